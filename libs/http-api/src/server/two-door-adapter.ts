import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { ExpressAdapter } from '@nestjs/platform-express';
import { isFromProxy, KvsError } from '@kvs/protocol';
import { sendProblem } from '@kvs/protocol/nest';
import type { FastLane } from '../fast-lane/fast-lane.js';
import type { RequestTracker } from '../metrics/track-requests.js';
import { refuse, type InFlight } from './in-flight.js';
import { announceOrigin, refusalOf, type AccessRules } from './request-checks.js';
import { startInOrder } from './request-order.js';
import { upgradableAt } from './upgrades.js';

/**
 * Nest's Express adapter with checks and admission in front of it, and beside Express the fast lane. Every request is
 * checked and admitted, waits for those before it on its connection, and then goes through one of the two doors.
 */
export class TwoDoorAdapter extends ExpressAdapter {
  /** Set when the application that it leads to is there; until then, and without it, Express answers all. */
  fastLane: FastLane | undefined;
  /** Sees every request first, those that are not admitted too. */
  track: RequestTracker = () => undefined;
  /** Whether requests of proxies are refused. */
  refusesProxies = false;

  /** The path at which connections may leave HTTP for another protocol; the server's `upgrade` event has them. */
  upgradePath: string | undefined;

  constructor(
    readonly inFlight: InFlight,
    private readonly maxBodyBytes: number,
    private readonly access: AccessRules,
  ) {
    super();
  }

  override initHttpServer(): void {
    const server = createServer({
      IncomingMessage: upgradableAt(() => this.upgradePath),
      // Checked here instead: Node's own refusal has no body.
      requireHostHeader: false,
    });
    this.setHttpServer(server);
    server.on('request', (request, response) => this.#arrive(request, response));
    // curl, for one, asks before it sends more than a megabyte: what is not wanted need not be sent at all.
    server.on('checkContinue', (request, response) => this.#arrive(request, response, undefined, true));
    server.on('checkExpectation', (request, response) => {
      const refusal = new KvsError('expectation_failed', 'only 100-continue can be expected');
      this.#arrive(request, response, refusal);
    });
  }

  /** Express decodes a path where a route has a parameter, and throws what `decodeURIComponent` does. */
  override mapException(error: unknown): unknown {
    if (!(error instanceof URIError)) return super.mapException(error);
    return new KvsError('invalid_data', 'the path is not valid percent-encoded UTF-8', { cause: error });
  }

  /** @param asksFirst whether the client waits for a word before it sends the body */
  #arrive(request: IncomingMessage, response: ServerResponse, refusal?: KvsError, asksFirst = false): void {
    this.track(request, response);
    announceOrigin(request, response, this.access);
    const refused = this.#refusalOf(request) ?? refusal;
    if (refused) refuse(response, refused);
    const isAdmitted = !refused && this.inFlight.admit(request, response);
    startInOrder(request, response, () => {
      if (isAdmitted && (!asksFirst || this.#invite(request, response))) this.#dispatch(request, response);
    });
  }

  #refusalOf(request: IncomingMessage): KvsError | undefined {
    return refusalOf(request, this.access) ?? (this.#isLoop(request) ? LOOP : undefined);
  }

  #isLoop({ headers }: IncomingMessage): boolean {
    return this.refusesProxies && isFromProxy(headers.via);
  }

  /** Has the body sent, unless it is too large. */
  #invite(request: IncomingMessage, response: ServerResponse): boolean {
    const isWanted = Number(request.headers['content-length'] ?? 0) <= this.maxBodyBytes;
    if (isWanted) {
      response.writeContinue();
    } else {
      response.setHeader('connection', 'close');
      sendProblem(response, new KvsError('body_too_large', `a body has at most ${this.maxBodyBytes} bytes`));
    }
    return isWanted;
  }

  #dispatch(request: IncomingMessage, response: ServerResponse): void {
    if (this.fastLane?.take(request, response)) return;
    response.setHeader('x-content-type-options', 'nosniff');
    if (request.headers['transfer-encoding'] !== undefined) this.inFlight.countAsItComes(request, response);
    this.getInstance<ExpressHandler>()(request, response);
  }
}

const LOOP = new KvsError(
  'loop_detected',
  'the request comes from a proxy, and this is a proxy, not a storage node',
);

type ExpressHandler = (request: IncomingMessage, response: ServerResponse) => void;
