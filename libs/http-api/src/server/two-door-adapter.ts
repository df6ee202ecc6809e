import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { ExpressAdapter } from '@nestjs/platform-express';
import { isFromProxy, KvsError } from '@kvs/protocol';
import { sendProblem } from '@kvs/protocol/nest';
import type { FastLane } from '../fast-lane/fast-lane.js';
import type { RequestTracker } from '../metrics/track-requests.js';
import { refuse, type InFlight } from './in-flight.js';
import { startInOrder } from './request-order.js';
import { upgradableAt } from './upgrades.js';

/**
 * Nest's Express adapter with admission in front of it, and beside Express the fast lane. Every request is admitted, waits
 * for those before it on its connection, and then goes through one of the two doors.
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
  ) {
    super();
  }

  override initHttpServer(): void {
    const server = createServer({ IncomingMessage: upgradableAt(() => this.upgradePath) });
    this.setHttpServer(server);
    server.on('request', (request, response) => this.#arrive(request, response, false));
    // curl, for one, asks before it sends more than a megabyte: what is not wanted need not be sent at all.
    server.on('checkContinue', (request, response) => this.#arrive(request, response, true));
  }

  #arrive(request: IncomingMessage, response: ServerResponse, asksFirst: boolean): void {
    this.track(request, response);
    const isAdmitted = !this.#refuseProxy(request, response) && this.inFlight.admit(request, response);
    startInOrder(request, response, () => {
      if (isAdmitted && (!asksFirst || this.#invite(request, response))) this.#dispatch(request, response);
    });
  }

  #refuseProxy({ headers }: IncomingMessage, response: ServerResponse): boolean {
    const isRefused = this.refusesProxies && isFromProxy(headers.via);
    if (isRefused) refuse(response, LOOP);
    return isRefused;
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
    if (request.headers['transfer-encoding'] !== undefined) this.inFlight.countAsItComes(request, response);
    this.getInstance<ExpressHandler>()(request, response);
  }
}

const LOOP = new KvsError(
  'loop_detected',
  'the request comes from a proxy, and this is a proxy, not a storage node',
);

type ExpressHandler = (request: IncomingMessage, response: ServerResponse) => void;
