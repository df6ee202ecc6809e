import type { HttpSettings } from '../http-settings.js';
import 'reflect-metadata';
import { lookup } from 'node:dns/promises';
import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { DynamicModule, INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { ProblemFilter } from '@kvs/protocol/nest';
import { FastLane } from '../fast-lane/fast-lane.js';
import { FastRoutes } from '../fast-lane/fast-routes.js';
import { inFlightMetrics } from '../metrics/in-flight-metrics.js';
import {
  createLogger,
  exitAtStart,
  ignoreInspectorSignal,
  listen,
  type Logger,
  onStopSignals,
  origin,
  serveAsWorker,
  serveByWorkers,
  ServerMetrics,
  stopWorker,
  workerNumber,
} from '@kvs/server';
import { RequestMetrics } from '../metrics/request-metrics.js';
import { requestTracker } from '../metrics/track-requests.js';
import { allowedMethodsMiddleware, API_METHODS, type AllowedMethods } from './allowed-methods.js';
import { serveDocs } from './docs.js';
import { InFlight } from './in-flight.js';
import { NestLogger } from './nest-logger.js';
import { answerProtocolErrors } from './protocol-errors.js';
import { accessRules } from './request-checks.js';
import { handleUpgrades, refuseTunnels, upgradeRequired, type UpgradeHandler } from './upgrades.js';
import { TwoDoorAdapter } from './two-door-adapter.js';

/** What one server is: how it is called, where it listens, what it is made of. */
export interface ServeOptions {
  /** For the log and for messages on stderr, such as `kvs-proxy`. */
  readonly name: string;
  readonly version: string;
  readonly title: string;
  readonly host: string;
  /** 0 asks for any free port. */
  readonly port: number;
  readonly settings: HttpSettings;
  /**
   * How many processes share the port, 1 unless given: then this process serves by itself. With more, it runs its own
   * script again so many times, with the same arguments, and each of those serves.
   */
  readonly workers?: number;
  /** Methods of paths that this app has beyond the common ones. */
  readonly methods?: AllowedMethods;
  /** The application: its root module, which imports `HttpApiModule`. */
  readonly module: (logger: Logger) => DynamicModule;
  /**
   * Closes what the application holds, once nothing is in flight. If it rejects, the exit code is 1. A shutdown hook of Nest
   * is no place for what may fail, because Nest only logs its errors.
   */
  readonly close?: (app: INestApplicationContext) => Promise<void>;
  /** Whether requests that come from a proxy are refused with 508 `loop_detected`, as a proxy must. Default false. */
  readonly refusesProxies?: boolean;
  /** Serves connections that leave HTTP for another protocol, over what the application has. */
  readonly upgrade?: (
    app: INestApplicationContext,
    logger: Logger,
    metrics: Pick<ServerMetrics, 'add'>,
  ) => UpgradeHandler;
}

/**
 * Runs one server until SIGINT, SIGTERM or SIGHUP: then stops accepting, finishes what is under way (for at most
 * `shutdownTimeoutMs`), closes the application and exits with 0. If it cannot start, it ends the process with one line on
 * stderr; the log has the stack at the level `debug`.
 */
export async function serve(options: ServeOptions): Promise<void> {
  const { name, settings, workers = 1 } = options;
  const worker = workers > 1 ? workerNumber() : undefined;
  ignoreInspectorSignal();
  const logger = await createLogger(name, settings.logLevel, settings.logFormat, worker);
  try {
    await start(options, worker, logger);
  } catch (error) {
    logger.debug(error, 'cannot start');
    exitAtStart(name, error);
  }
}

async function start(options: ServeOptions, worker: number | undefined, logger: Logger): Promise<void> {
  const { host, settings, workers = 1 } = options;
  const { shutdownTimeoutMs } = settings;
  if (workers > 1 && worker === undefined) {
    return serveByWorkers({ ...options, workers, shutdownTimeoutMs }, logger);
  }
  const inFlight = new InFlight(settings);
  // A host that can't be resolved can't be listened on either, which is told then.
  const address = await lookup(host).then(
    (found) => found.address,
    () => host,
  );
  const doors = new TwoDoorAdapter(inFlight, settings, accessRules(settings, host, address));
  const app = await createApp(options, doors, logger);
  const server: Server = app.getHttpServer();
  const upgrade = options.upgrade?.(app, logger, app.get(ServerMetrics));
  if (upgrade) addUpgrade(app, doors, upgrade);
  await app.init();
  const stop = async (): Promise<never> => {
    await drain(server, inFlight, upgrade, shutdownTimeoutMs, logger);
    await options.close?.(app);
    await app.close();
    process.exit(0);
  };
  if (worker !== undefined) {
    return serveAsWorker({ server, logger, metrics: app.get(ServerMetrics), stop: stopWorker(logger, stop) });
  }
  // Not through Nest, which would log a failure in its own words first.
  const port = await listen(server, options);
  onStopSignals(logger, async (signal) => {
    logger.info(`${signal}: shutting down`);
    await stop();
  });
  logger.info({ host, port }, `listening on ${origin(host, port)}`);
}

/** An application with everything but an address; for tests too. */
export async function createApp(
  options: Omit<ServeOptions, 'host' | 'port'>,
  doors: TwoDoorAdapter,
  logger: Logger,
): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(options.module(logger), doors, {
    bodyParser: false,
    logger: new NestLogger(logger),
    abortOnError: false,
  });
  app.disable('x-powered-by');
  app.set('etag', false);
  const methods = { ...API_METHODS, ...options.methods };
  const metrics = app.get(ServerMetrics);
  const requests = new RequestMetrics();
  metrics.add(requests);
  metrics.add(inFlightMetrics(doors.inFlight));
  doors.track = requestTracker(requests, methods);
  doors.refusesProxies = options.refusesProxies ?? false;
  app.use(allowedMethodsMiddleware(methods));
  const onUnexpected = (error: unknown): void => logger.error(error, 'unexpected error');
  app.useGlobalFilters(new ProblemFilter(onUnexpected));
  if (options.settings.fastLane)
    doors.fastLane = new FastLane(app.get(FastRoutes, { strict: false }), onUnexpected);
  serveDocs(app, options.title, options.version);
  answerProtocolErrors(app.getHttpServer());
  refuseTunnels(app.getHttpServer());
  return app;
}

/** Lets connections leave HTTP at the handler's path; before the application's `init`. */
export function addUpgrade(
  app: NestExpressApplication,
  doors: TwoDoorAdapter,
  handler: UpgradeHandler,
): void {
  doors.upgradePath = handler.path;
  app.use(upgradeRequired(handler));
  handleUpgrades(app.getHttpServer(), handler, (request) => doors.headRefusal(request));
}

/** Accepts nothing more, and finishes what is in flight. */
async function drain(
  server: Server,
  inFlight: InFlight,
  upgrade: UpgradeHandler | undefined,
  timeoutMs: number,
  logger: Logger,
): Promise<void> {
  // The listener alone: http's own close would also cut connections on which a request may be on its way.
  NetServer.prototype.close.call(server);
  const late = new AbortController();
  const drained = Promise.all([inFlight.drain(), upgrade?.drain()]);
  const isCut = await Promise.race([
    drained.then(() => false),
    delay(timeoutMs, true, { signal: late.signal }),
  ]);
  late.abort();
  if (isCut) {
    logger.warn(`requests still under way after ${timeoutMs} ms are cut`);
    server.closeAllConnections();
    upgrade?.close();
  }
  await inFlight.quiet(QUIET_MS);
  server.closeAllConnections();
  upgrade?.close();
}

/** How long a client's request may be on its way to us. */
const QUIET_MS = 100;
