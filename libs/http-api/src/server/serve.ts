import 'reflect-metadata';
import { once } from 'node:events';
import { Server as NetServer, type AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import type { DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { KeyValueOperations } from '@kvs/protocol';
import { ProblemFilter } from '@kvs/protocol/nest';
import { FastLane } from '../fast-lane/fast-lane.js';
import { FastRoutes } from '../fast-lane/fast-routes.js';
import { isSystemError } from '../system-error.js';
import type { ServerSettings } from '../settings.js';
import { OPERATIONS } from '../tokens.js';
import { allowedMethodsMiddleware, API_METHODS, type AllowedMethods } from './allowed-methods.js';
import { serveDocs } from './docs.js';
import { InFlight } from './in-flight.js';
import { createLogger, NestLogger, type Logger } from './logger.js';
import { answerProtocolErrors } from './protocol-errors.js';
import { handleUpgrades, upgradeRequired, type UpgradeHandler } from './upgrades.js';
import { TwoDoorAdapter } from './two-door-adapter.js';

export interface ServeOptions {
  /** For the log and for messages on stderr, such as `kvs-proxy`. */
  readonly name: string;
  readonly version: string;
  readonly title: string;
  readonly host: string;
  /** 0 asks for any free port. */
  readonly port: number;
  readonly settings: ServerSettings;
  /** Methods of paths that this app has beyond the common ones. */
  readonly methods?: AllowedMethods;
  readonly module: (logger: Logger) => DynamicModule;
  /** Serves connections that leave HTTP for another protocol, over the same operations. */
  readonly upgrade?: (operations: KeyValueOperations, logger: Logger) => UpgradeHandler;
}

/**
 * Runs one server until SIGINT or SIGTERM: then stops accepting, finishes what is under way (for at most
 * `shutdownTimeoutMs`), closes the application and exits with 0.
 */
export async function serve(options: ServeOptions): Promise<void> {
  const logger = await createLogger(options.name, options.settings.logLevel, options.settings.logFormat);
  const inFlight = new InFlight(options.settings);
  const app = await createApp(options, inFlight, logger);
  const server: Server = app.getHttpServer();
  const upgrade = options.upgrade?.(app.get<KeyValueOperations>(OPERATIONS, { strict: false }), logger);
  if (upgrade) {
    app.use(upgradeRequired(upgrade));
    handleUpgrades(server, upgrade);
  }
  await listenOrExit(app, options);
  const { port } = addressOf(server);
  stopOnSignals(app, server, inFlight, upgrade, options.settings.shutdownTimeoutMs, logger);
  logger.info({ host: options.host, port }, `listening on ${origin(options.host, port)}`);
}

/** An application with everything but an address; for tests too. */
export async function createApp(
  options: Omit<ServeOptions, 'host' | 'port'>,
  inFlight: InFlight,
  logger: Logger,
): Promise<NestExpressApplication> {
  const doors = new TwoDoorAdapter(inFlight);
  const app = await NestFactory.create<NestExpressApplication>(options.module(logger), doors, {
    bodyParser: false,
    logger: new NestLogger(logger),
    abortOnError: false,
  });
  app.disable('x-powered-by');
  app.set('etag', false);
  app.use(allowedMethodsMiddleware({ ...API_METHODS, ...options.methods }));
  app.useBodyParser('raw', { type: () => true, limit: options.settings.limits.maxBodyBytes, inflate: false });
  const onUnexpected = (error: unknown): void => logger.error(error, 'unexpected error');
  app.useGlobalFilters(new ProblemFilter(onUnexpected));
  const { fastLane, limits } = options.settings;
  if (fastLane)
    doors.fastLane = new FastLane(app.get(FastRoutes, { strict: false }), limits.maxBodyBytes, onUnexpected);
  serveDocs(app, options.title, options.version);
  const server: Server = app.getHttpServer();
  // Longer than clients keep idle connections, so that it is the client who closes and no request is lost in between.
  server.keepAliveTimeout = KEEP_ALIVE_TIMEOUT_MS;
  server.headersTimeout = KEEP_ALIVE_TIMEOUT_MS + 5_000;
  answerProtocolErrors(server, options.settings.limits);
  return app;
}

/** How long an idle connection is kept. */
export const KEEP_ALIVE_TIMEOUT_MS = 65_000;

async function listenOrExit(app: NestExpressApplication, { name, host, port }: ServeOptions): Promise<void> {
  await app.init();
  const server: Server = app.getHttpServer();
  try {
    // Not through Nest, which would log a failure in its own words first.
    server.listen(port, host);
    await once(server, 'listening');
  } catch (error) {
    if (!isSystemError(error)) throw error;
    const reason = LISTEN_FAILURES[error.code] ?? error.message;
    process.stderr.write(`${name}: cannot listen on ${origin(host, port)}: ${reason}\n`);
    process.exit(1);
  }
}

const LISTEN_FAILURES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use',
  EACCES: 'the port needs more rights',
  EADDRNOTAVAIL: 'the host is not an address of this machine',
  ENOTFOUND: 'the host is not known',
};

function stopOnSignals(
  app: NestExpressApplication,
  server: Server,
  inFlight: InFlight,
  upgrade: UpgradeHandler | undefined,
  timeoutMs: number,
  logger: Logger,
): void {
  let stopping = false;
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    // A terminal's Ctrl-C and a parent's own signal may both arrive.
    if (stopping) return;
    stopping = true;
    logger.info(`${signal}: shutting down`);
    // The listener alone: http's own close would also cut connections on which a request may be on its way.
    NetServer.prototype.close.call(server);
    const late = setTimeout(() => {
      logger.warn(`requests still under way after ${timeoutMs} ms are cut`);
      server.closeAllConnections();
      upgrade?.close();
    }, timeoutMs);
    await Promise.all([inFlight.drain(), upgrade?.drain()]);
    await inFlight.quiet(QUIET_MS);
    clearTimeout(late);
    server.closeAllConnections();
    upgrade?.close();
    await app.close();
    process.exit(0);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, (received) => {
      stop(received).catch((error: unknown) => {
        logger.fatal(error, 'shutdown failed');
        process.exit(1);
      });
    });
  }
}

/** How long a client's request may be on its way to us. */
const QUIET_MS = 100;

function addressOf(server: Server): AddressInfo {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('the server has no TCP address');
  return address;
}

function origin(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
