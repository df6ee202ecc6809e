import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
// The index of the package would also load what receives uploads of files.
import { ExpressAdapter } from '@nestjs/platform-express/adapters/express-adapter.js';
import { isFromProxy, KvsError } from '@kvs/protocol';
import type { Admission } from '@kvs/server';
import type { FastPath } from '../fast-path/fast-path.js';
import type { RequestTracker } from '../metrics/track-requests.js';
import type { HttpSettings } from '../http-settings.js';
import { patternOf, type AllowedMethods } from './allowed-methods.js';
import { BodyReader, bodyLength, NO_BODY, type AdmittedRequest } from './body.js';
import { refuse } from './closing.js';
import { announceOrigin, refusalOf, targetRefusal, type AccessRules } from './request-checks.js';
import { RequestMemory } from './request-memory.js';
import { RequestOrder, type Start } from './request-order.js';
import { StalledClients } from './stalled-clients.js';
import { closeAfterIgnoredUpgrade, upgradableAt } from './upgrades.js';

/** How long the server keeps an idle connection. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
/** How often Node checks for headers that are late. */
const HEADERS_CHECK_MS = 1_000;
/** Node's own limit, at which it would drop further headers. */
const MAX_HEADERS = 1_000;

export interface CheckedExpressAdapterOptions {
  readonly admission: Admission;
  readonly controlAdmission: Admission;
  readonly settings: HttpSettings;
  readonly access: AccessRules;
  /** Whether requests of proxies are refused. */
  readonly refusesProxies: boolean;
  /** Of all paths of the server. */
  readonly methods: AllowedMethods;
}

/**
 * Nest's Express adapter with checks, admission and the fast path in front of Express. A request waits until earlier requests on
 * its connection are answered, is checked and admitted, and its body is read. Then the fast path answers it, or else Express.
 */
export class CheckedExpressAdapter extends ExpressAdapter {
  /** Set when the application is made. While it is undefined, Express answers all requests. */
  fastPath: FastPath | undefined;
  /** Called first with every request, also with those that are refused. */
  track: RequestTracker = () => undefined;
  /** The path at which connections may leave HTTP for another protocol; the server emits `upgrade` for them. */
  upgradePath: string | undefined;
  readonly #order: RequestOrder;
  readonly #bodies: BodyReader;

  readonly #admission: Admission;
  readonly #controlAdmission: Admission;
  readonly #settings: HttpSettings;
  readonly #access: AccessRules;
  readonly #refusesProxies: boolean;
  readonly #methods: AllowedMethods;

  constructor(options: CheckedExpressAdapterOptions) {
    super();
    const { settings } = options;
    this.#admission = options.admission;
    this.#controlAdmission = options.controlAdmission;
    this.#settings = settings;
    this.#access = options.access;
    this.#refusesProxies = options.refusesProxies;
    this.#methods = options.methods;

    const stalled = new StalledClients(settings);
    this.#order = new RequestOrder(settings.maxInFlightBytes, (connection) => stalled.watch(connection));
    this.#bodies = new BodyReader(settings.limits.maxBodyBytes);
  }

  override initHttpServer(): void {
    const server = createServer({
      IncomingMessage: upgradableAt(() => this.upgradePath),
      // `refusalOf` checks it: Node's own refusal has no body.
      requireHostHeader: false,
      // Longer than clients keep idle connections, so that the client closes them. A request that crosses a close is lost.
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      headersTimeout: this.#settings.headersTimeoutMs,
      // No fixed time suits all sizes of bodies. `StalledClients` finds those that stall.
      requestTimeout: 0,
      connectionsCheckingInterval: Math.min(HEADERS_CHECK_MS, this.#settings.headersTimeoutMs),
    });
    // No limit, because Node silently drops headers beyond it. Its limit on their bytes remains.
    server.maxHeadersCount = 0;
    // A client that has sent its request and closes its sending half waits for the answer.
    Object.assign(server, { httpAllowHalfOpen: true });
    server.on('request', (request, response) => this.#arrive(request, response, this.#start));
    // curl asks before it sends more than a megabyte, so a refused body need not be sent.
    server.on('checkContinue', (request, response) => this.#arrive(request, response, this.#startInvited));
    server.on('checkExpectation', (request, response) => {
      this.#arrive(request, response, this.#refuseExpectation);
    });
    this.setHttpServer(server);
  }

  /** Express decodes a path where a route has a parameter, and throws what `decodeURIComponent` does. */
  override mapException(error: unknown): unknown {
    if (!(error instanceof URIError)) return super.mapException(error);
    return new KvsError('invalid_data', 'the path is not valid percent-encoded UTF-8', { cause: error });
  }

  #arrive(request: IncomingMessage, response: ServerResponse, start: Start): void {
    this.track(request, response);
    announceOrigin(request, response, this.#access);
    closeAfterIgnoredUpgrade(request, response);
    this.#order.add(request, response, start);
  }

  readonly #start: Start = (request, response) => this.#admit(request, response, false);
  readonly #startInvited: Start = (request, response) => this.#admit(request, response, true);
  readonly #refuseExpectation: Start = (request, response) =>
    refuse(response, this.#refusal(request) ?? UNKNOWN_EXPECTATION);

  #admit(request: IncomingMessage, response: ServerResponse, asksFirst: boolean): void {
    const admission = isOfControlPlane(request, this.#methods) ? this.#controlAdmission : this.#admission;
    const refusal = this.#refusal(request) ?? enter(admission, request);
    if (refusal) {
      refuse(response, refusal);
      return;
    }
    const memory = RequestMemory.untilClosed(admission, response);
    if (admission.isDraining) response.setHeader('connection', 'close');
    if (asksFirst) response.writeContinue();
    if (bodyLength(request) === 0) this.#dispatch(request, response, NO_BODY, memory);
    else
      this.#bodies.read(request, response, memory, (bytes) =>
        this.#dispatch(request, response, bytes, memory),
      );
  }

  /** Returns the reason to refuse a request by its headers, whatever its path and its body, or undefined. */
  headRefusal(request: IncomingMessage): KvsError | undefined {
    if (request.rawHeaders.length > 2 * MAX_HEADERS) {
      return new KvsError('headers_too_large', `a request has at most ${MAX_HEADERS} headers`);
    }
    // Before the check of names, because a proxy in a loop must learn of it even if it uses a name that is not served.
    if (this.#refusesProxies && isFromProxy(request.headers.via)) return LOOP;
    return targetRefusal(request) ?? refusalOf(request, this.#access);
  }

  #refusal(request: IncomingMessage): KvsError | undefined {
    return this.headRefusal(request) ?? this.#bodies.refusal(request);
  }

  #dispatch(
    request: IncomingMessage,
    response: ServerResponse,
    body: Uint8Array,
    memory: RequestMemory,
  ): void {
    if (this.fastPath?.tryAnswer(request, response, body, memory)) return;
    response.setHeader('x-content-type-options', 'nosniff');
    this.getInstance<ExpressHandler>()(Object.assign(request, { body, memory }), response);
  }
}

/** Returns whether a request is for the control plane, which must work while clients fill the server. */
function isOfControlPlane({ url = '' }: IncomingMessage, paths: AllowedMethods): boolean {
  return url.startsWith('/cluster') && patternOf(paths, url) !== undefined;
}

/** Admits a request, or returns the refusal. */
function enter(admission: Admission, request: IncomingMessage): KvsError | undefined {
  const length = bodyLength(request);
  // A body would hold memory that the budget has not.
  if (length !== 0 || !ALWAYS_ANSWERED.has(request.url ?? '')) return admission.enter(length ?? 0, 0);
  admission.enterAlways();
  return undefined;
}

/** Paths that tell of the server's state. A full server answers them, because then they matter most. */
const ALWAYS_ANSWERED: ReadonlySet<string> = new Set(['/health/live', '/metrics']);

const LOOP = new KvsError(
  'loop_detected',
  'the request comes from a proxy, and this is a proxy, not a storage node',
);

const UNKNOWN_EXPECTATION = new KvsError('expectation_failed', 'only 100-continue can be expected');

type ExpressHandler = (request: AdmittedRequest, response: ServerResponse) => void;
