import type { IncomingMessage, ServerResponse } from 'node:http';
import { isPromise, type WireAnswer } from '@kvs/protocol';
import { answerError } from '@kvs/protocol/nest';
import { sendJson } from '../routes/reply.js';
import type { FastRoute, FastRoutes } from './fast-routes.js';
import { TurnQueue } from './turn-queue.js';

/**
 * The second door: answers the hot routes before Express sees them, by the same pipes, service and error bodies. What it does
 * not take, whatever the reason, goes through Express and Nest as usual.
 */
export class FastLane {
  readonly #turn = new TurnQueue<Arrival>((arrival) => this.#answer(arrival));

  readonly #routes: FastRoutes;
  readonly #onUnexpected: (error: unknown) => void;

  /** @param onUnexpected told of each error that is a defect of ours rather than an operating error */
  constructor(routes: FastRoutes, onUnexpected: (error: unknown) => void) {
    this.#routes = routes;
    this.#onUnexpected = onUnexpected;
  }

  /** Whether the request is taken, and will be answered here. */
  take(request: IncomingMessage, response: ServerResponse, bytes: Uint8Array): boolean {
    const { url } = request;
    const route = this.#routes.find(request.method, url);
    if (route === undefined || url === undefined) return false;
    this.#turn.add({ route, url, bytes, contentType: request.headers['content-type'], response });
    return true;
  }

  #answer({ route, url, bytes, contentType, response }: Arrival): void {
    try {
      const answer = route.answer({ bytes, contentType }, url);
      if (isPromise(answer)) this.#sendWhenDone(response, answer);
      else send(response, answer);
    } catch (error) {
      answerError(response, error, this.#onUnexpected);
    }
  }

  #sendWhenDone(response: ServerResponse, answer: Promise<WireAnswer<unknown>>): void {
    const fail = (error: unknown): void => answerError(response, error, this.#onUnexpected);
    answer.then((done) => {
      try {
        send(response, done);
      } catch (error) {
        fail(error);
      }
    }, fail);
  }
}

/** A request of which all is there. */
interface Arrival {
  readonly route: FastRoute;
  readonly url: string;
  readonly bytes: Uint8Array;
  readonly contentType: string | undefined;
  readonly response: ServerResponse;
}

function send(response: ServerResponse, answer: WireAnswer<unknown>): void {
  // The client may be gone by now.
  if (!response.destroyed) sendJson(response, answer);
}
