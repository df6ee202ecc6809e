import 'reflect-metadata';
import { lookup } from 'node:dns/promises';
import type { Server } from 'node:http';
import type { DynamicModule, INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { KvsError } from '@kvs/protocol';
import { ProblemFilter } from '@kvs/protocol/nest';
import { ServerMetrics, type Admission, type Logger } from '@kvs/server';
import { serveDocs } from '../docs/serve-docs.js';
import { FastPath } from '../fast-path/fast-path.js';
import type { HttpSettings } from '../http-settings.js';
import { RequestMetrics } from '../metrics/request-metrics.js';
import { requestTracker } from '../metrics/track-requests.js';
import { BatchRoutes } from '../routes/batch-routes.js';
import { allowedMethodsMiddleware, API_METHODS, type AllowedMethods } from './allowed-methods.js';
import { CheckedExpressAdapter } from './checked-express-adapter.js';
import { HttpListener } from './http-listener.js';
import { NestLogger } from './nest-logger.js';
import { answerProtocolErrors } from './protocol-errors.js';
import { accessRules } from './request-checks.js';
import { handleUpgrades, refuseTunnels, upgradeRequired, type UpgradeHandler } from './upgrades.js';

/** An application over HTTP. */
export interface HttpOptions {
  /** The title of the API documentation. */
  readonly title: string;
  readonly version: string;
  /** The name or address at which the server listens; it decides which `Host` headers are served. */
  readonly host: string;
  readonly settings: HttpSettings;
  /** The root module, which imports `HttpApiModule`. */
  readonly module: DynamicModule;
  /** Methods of the application's own paths. */
  readonly methods?: AllowedMethods;
  /** Loads the module that describes the application's own routes with `describeRoutes`. */
  readonly describe?: () => Promise<unknown>;
  /** Whether requests that come from a proxy are refused with 508 `loop_detected`, as a proxy must. Default false. */
  readonly refusesProxies?: boolean;
  /** Makes the handler of connections that leave HTTP for another protocol. */
  readonly upgrade?: (app: INestApplicationContext, metrics: Pick<ServerMetrics, 'add'>) => UpgradeHandler;
  readonly admission: Admission;
  /** Admits requests of the control plane, so that a server which clients have filled still takes part in its cluster. */
  readonly controlAdmission: Admission;
  readonly logger: Logger;
}

/** An application that can be served. */
export interface OpenHttp {
  readonly app: NestExpressApplication;
  readonly listener: HttpListener;
  readonly metrics: ServerMetrics;
}

/** Makes an application that doesn't listen yet. */
export async function openHttp(options: HttpOptions): Promise<OpenHttp> {
  const { settings, logger, admission, controlAdmission, refusesProxies = false } = options;
  const access = accessRules(settings, options.host, await addressOf(options.host));
  const methods = { ...API_METHODS, ...options.methods };
  const parts = { admission, controlAdmission, settings, access, refusesProxies, methods };
  const adapter = new CheckedExpressAdapter(parts);
  const nestLogger = new NestLogger(logger);
  const app = await NestFactory.create<NestExpressApplication>(options.module, adapter, {
    bodyParser: false,
    logger: nestLogger,
    abortOnError: false,
  });
  app.disable('x-powered-by');
  app.set('etag', false);
  const metrics = app.get(ServerMetrics);
  const requests = new RequestMetrics();
  metrics.add(requests);
  adapter.track = requestTracker(requests, methods);
  app.use(allowedMethodsMiddleware(methods));
  const onUnexpected = (error: unknown): void => logger.error(error, 'unexpected error');
  app.useGlobalFilters(new ProblemFilter(onUnexpected));
  if (settings.fastLane)
    adapter.fastPath = new FastPath(app.get(BatchRoutes, { strict: false }), onUnexpected);
  serveDocs(app, { ...options, logger: nestLogger });
  const server: Server = app.getHttpServer();
  answerProtocolErrors(server);
  refuseTunnels(server);
  const upgrade = options.upgrade?.(app, metrics);
  if (upgrade) {
    adapter.upgradePath = upgrade.path;
    app.use(upgradeRequired(upgrade));
    handleUpgrades(
      server,
      upgrade,
      (request) => adapter.headRefusal(request) ?? (admission.isDraining ? SHUTTING_DOWN : undefined),
    );
  }
  const listener = new HttpListener(server, upgrade);
  metrics.add(listener);
  await app.init();
  return { app, listener, metrics };
}

const SHUTTING_DOWN = new KvsError('shutting_down', 'the server is shutting down');

/** Returns the IP address of a host, or the host if it can't be resolved: then it can't be listened on either. */
async function addressOf(host: string): Promise<string> {
  return lookup(host).then(
    ({ address }) => address,
    () => host,
  );
}
