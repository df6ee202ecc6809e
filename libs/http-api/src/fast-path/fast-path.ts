import type { IncomingMessage, ServerResponse } from 'node:http';
import { isPromise, type WireAnswer } from '@kvs/protocol';
import { answerError } from '@kvs/protocol/nest';
import type { BatchRoute, BatchRoutes } from '../routes/batch-routes.js';
import { sendJson } from '../routes/reply.js';
import type { RequestMemory } from '../server/request-memory.js';

/**
 * Answers the batch routes before Express sees them, by the same routes and with the same error bodies. Express and Nest answer all
 * other requests.
 */
export class FastPath {
  /** The requests of this turn of the event loop. */
  #requests: BatchRequest[] = [];

  readonly #routes: BatchRoutes;
  readonly #onUnexpected: (error: unknown) => void;

  /** @param onUnexpected called with each error that is a defect rather than an operating error */
  constructor(routes: BatchRoutes, onUnexpected: (error: unknown) => void) {
    this.#routes = routes;
    this.#onUnexpected = onUnexpected;
  }

  /** Answers the request at the end of the turn if it is for a batch route. Returns whether it is. */
  tryAnswer(
    request: IncomingMessage,
    response: ServerResponse,
    bytes: Uint8Array,
    memory: RequestMemory,
  ): boolean {
    const { url } = request;
    const route = this.#routes.find(request.method, url);
    if (route === undefined || url === undefined) return false;
    const received = { route, url, bytes, contentType: request.headers['content-type'], response, memory };
    if (this.#requests.push(received) === 1) setImmediate(this.#answerAll);
    return true;
  }

  /**
   * Answers at the end of the turn: the calls of its requests then go to the nodes together and their answers are written
   * together, which costs less than one by one.
   */
  readonly #answerAll = (): void => {
    const requests = this.#requests;
    this.#requests = [];
    for (const request of requests) this.#answer(request);
  };

  /** Never throws, because the other requests of the turn come after it. */
  #answer(request: BatchRequest): void {
    const { route, url, bytes, contentType, response, memory } = request;
    try {
      memory.checkAnswer();
      const answer = route.answer({ bytes, contentType }, url);
      if (isPromise(answer)) this.#sendWhenDone(request, answer);
      else send(response, answer);
    } catch (error) {
      answerError(response, error, this.#onUnexpected);
    }
  }

  #sendWhenDone({ route, response, memory }: BatchRequest, answer: Promise<WireAnswer<unknown>>): void {
    const fail = (error: unknown): void => answerError(response, error, this.#onUnexpected);
    answer.then((done) => {
      try {
        if (route.isRead) memory.checkAnswer();
        send(response, done);
      } catch (error) {
        fail(error);
      }
    }, fail);
  }
}

/** A request for a batch route whose body has arrived. */
interface BatchRequest {
  readonly route: BatchRoute;
  readonly url: string;
  readonly bytes: Uint8Array;
  readonly contentType: string | undefined;
  readonly response: ServerResponse;
  readonly memory: RequestMemory;
}

function send(response: ServerResponse, answer: WireAnswer<unknown>): void {
  // The client may have disconnected.
  if (!response.destroyed) sendJson(response, answer);
}
