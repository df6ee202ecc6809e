import { isNativeError } from 'node:util/types';
import { TransportError } from '@kvs/router';
import { errors, type Dispatcher, type Pool } from 'undici';

/** One request, of which it is known whether the node may have seen it. */
export class HttpAttempt {
  readonly #giving = new AbortController();
  #sent = false;

  readonly #pool: Pool;
  readonly #received: ((piece: Uint8Array) => void) | undefined;

  /** @param received hears of each piece of the answer's body before anybody gets it */
  constructor(pool: Pool, received?: (piece: Uint8Array) => void) {
    this.#pool = pool;
    this.#received = received;
  }

  /** Whether a connection was found, and so something may have been sent. */
  get isSent(): boolean {
    return this.#sent;
  }

  get isGivenUp(): boolean {
    return this.#giving.signal.aborted;
  }

  /** The request and its answer fail, now. What was not sent will not be. */
  giveUp(): void {
    this.#giving.abort();
  }

  /** Resolves when the answer begins. */
  request(options: Dispatcher.RequestOptions): Promise<Dispatcher.ResponseData> {
    const { signal } = this.#giving;
    const dispatcher = this.#pool.compose((dispatch) => (given, handler) => {
      return dispatch(
        given,
        noticing(handler, () => (this.#sent ||= !signal.aborted), this.#received),
      );
    });
    return new Promise((resolve, reject) => {
      // As long as there is no connection, undici itself does not heed the signal.
      signal.addEventListener('abort', () => reject(new Error('it was given up')), { once: true });
      dispatcher.request({ ...options, signal }).then(resolve, reject);
    });
  }

  /** What a failure of the request, or of reading its answer, means for the call. */
  failure(error: unknown, timeoutMs: number): Error {
    if (this.isGivenUp) {
      return this.#sent
        ? new TransportError('timeout', `no answer within ${timeoutMs} ms`, { cause: error })
        : new TransportError('unconnected', `no connection within ${timeoutMs} ms`, { cause: error });
    }
    if (error instanceof errors.HTTPParserError) {
      return new TransportError('broken', 'the answer is not HTTP', { cause: error });
    }
    if (!isNativeError(error))
      return new TypeError('something was thrown that is no error', { cause: error });
    if (!('code' in error) || typeof error.code !== 'string') return error; // no failure of the network: a defect
    return this.#sent
      ? new TransportError('broken', `the connection broke (${error.code})`, { cause: error })
      : new TransportError('unconnected', `no connection (${error.code})`, { cause: error });
  }
}

/** Tells when the request is about to be written to a connection, and what comes of its answer. */
function noticing(
  handler: Dispatcher.DispatchHandler,
  started: () => void,
  received?: (piece: Uint8Array) => void,
): Dispatcher.DispatchHandler {
  return {
    onRequestStart(controller, context: unknown) {
      started();
      handler.onRequestStart?.(controller, context);
    },
    onResponseStart: (...args) => handler.onResponseStart?.(...args),
    onResponseData(controller, piece) {
      received?.(piece);
      handler.onResponseData?.(controller, piece);
    },
    onResponseEnd: (...args) => handler.onResponseEnd?.(...args),
    onResponseError: (...args) => handler.onResponseError?.(...args),
  };
}
