import type { HttpSettings } from '../http-settings.js';
import {
  request as httpRequest,
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
} from 'node:http';
import { DEFAULT_LIMITS } from '@kvs/protocol';
import { silentLogger } from '@kvs/server/testing';
import { HttpApiModule } from '../http-api.module.js';
import { Budget, resetConnection, type Admission, type MetricsSource } from '@kvs/server';
import type { AllowedMethods } from '../server/allowed-methods.js';
import { CheckedExpressAdapter } from '../server/checked-express-adapter.js';
import { openHttp } from '../server/open-http.js';
import type { UpgradeHandler } from '../server/upgrades.js';
import { OPERATIONS, READINESS, type KeyValueOperations, type Readiness } from '../tokens.js';

const SETTINGS: HttpSettings = {
  limits: { ...DEFAULT_LIMITS, maxKeyBytes: 64, maxValueBytes: 1024, maxBodyBytes: 4096 },
  maxInFlightRequests: 100,
  maxInFlightBytes: 1024 * 1024,
  headersTimeoutMs: 60_000,
  bodyTimeoutMs: 60_000,
  minBodyRate: 1,
  answerTimeoutMs: 60_000,
  shutdownTimeoutMs: 1000,
  fastLane: true,
  allowHosts: [],
  allowOrigins: [],
  logLevel: 'silent',
  logFormat: 'json',
};

export interface TestServerOptions {
  readonly settings?: Partial<HttpSettings>;
  readonly readiness?: Readiness;
  readonly metrics?: MetricsSource;
  readonly refusesProxies?: boolean;
  /** Methods of further paths. The server has no routes for them. */
  readonly methods?: AllowedMethods;
  readonly upgrade?: UpgradeHandler;
  /** The address by which the server judges `Host`. Default: an address of the network, which accepts any `Host`. */
  readonly host?: string;
}

export interface Sent {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export interface Received {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  readonly text: string;
  /** Whether the answer came to its end, rather than being cut. */
  readonly whole: boolean;
}

/** The protocol's application over any operations, on any free port. */
export class TestServer {
  readonly #requests = new Set<ClientRequest>();

  private constructor(
    readonly http: Server,
    readonly budget: Budget,
    readonly admission: Admission,
    /** Calls back with the target of each request that Express begins to handle. */
    readonly onExpress: (called: (target: string) => void) => void,
    readonly stop: () => Promise<void>,
  ) {}

  get port(): number {
    const address = this.http.address();
    if (address === null || typeof address === 'string') throw new TypeError('the server has no TCP address');
    return address.port;
  }

  static async start(operations: KeyValueOperations, options: TestServerOptions = {}): Promise<TestServer> {
    const settings = { ...SETTINGS, ...options.settings };
    const readiness: Readiness = options.readiness ?? { check: () => Promise.resolve(undefined) };
    const budget = new Budget(settings);
    const admission = budget.admissionOf('http');
    const module = HttpApiModule.register({
      limits: settings.limits,
      providers: [
        { provide: OPERATIONS, useValue: operations },
        { provide: READINESS, useValue: readiness },
      ],
    });
    const { refusesProxies = false, host = '0.0.0.0', upgrade, methods = {} } = options;
    const { app, listener, metrics } = await openHttp({
      title: 'test',
      version: '0.0.0',
      host,
      settings,
      module,
      refusesProxies,
      methods,
      ...(upgrade && { upgrade: () => upgrade }),
      admission,
      controlAdmission: budget.separateAdmissionOf('control_plane'),
      logger: silentLogger,
    });
    metrics.add(budget);
    if (options.metrics) metrics.add(options.metrics);
    let called: ((target: string) => void) | undefined;
    const onExpress = (callback: typeof called): void => void (called = callback);
    const adapter = app.getHttpAdapter();
    if (!(adapter instanceof CheckedExpressAdapter)) throw new TypeError('the adapter is of another class');
    adapter.setOnRequestHook((request: IncomingMessage, _response: unknown, next: () => void) => {
      called?.(request.url ?? '');
      next();
    });
    await listener.start({ host: '127.0.0.1', port: 0 });
    const server: Server = app.getHttpServer();
    return new TestServer(server, budget, admission, onExpress, async () => {
      server.closeAllConnections();
      await app.close();
    });
  }

  /** Resets every connection, as those of clients that go away are when they are written to. */
  hangUp(): void {
    for (const { socket } of this.#requests) if (socket !== null) resetConnection(socket);
  }

  /** Resolves when the answer has begun. The path travels as it is. */
  open(method: string, path: string, { headers = {}, body }: Sent = {}): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const request = httpRequest(
        { host: '127.0.0.1', port: this.port, method, path, headers, agent: false },
        resolve,
      );
      this.#requests.add(request);
      request.on('close', () => this.#requests.delete(request));
      request.on('error', reject);
      request.end(body);
    });
  }

  async send(method: string, path: string, sent?: Sent): Promise<Received> {
    const response = await this.open(method, path, sent);
    const parts: Buffer[] = [];
    response.on('data', (part: Buffer) => parts.push(part));
    response.on('error', () => undefined); // told by `whole`
    await new Promise((resolve) => response.once('close', resolve));
    const bytes = Buffer.concat(parts);
    const { statusCode, headers, complete } = response;
    return { status: statusCode, headers, bytes, text: bytes.toString(), whole: complete };
  }

  sendJson(method: string, path: string, body: unknown): Promise<Received> {
    return this.send(method, path, {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  }
}

export function jsonOf({ text }: Received): unknown {
  const value: unknown = JSON.parse(text);
  return value;
}
