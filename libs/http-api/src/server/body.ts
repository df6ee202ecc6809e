import type { IncomingMessage, ServerResponse } from 'node:http';
import { KvsError } from '@kvs/protocol';
import { ChunkBuffer } from './chunk-buffer.js';
import { refuse } from './closing.js';
import type { Admission, InFlight } from './in-flight.js';

export const NO_BODY = new Uint8Array();

/** Returns the length of the body in bytes, or undefined if it is chunked and the headers don't tell. */
export function bodyLength({ headers }: IncomingMessage): number | undefined {
  return headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : undefined;
}

/** Reads the bodies of requests, whichever door they go through. */
export class BodyReader {
  readonly #inFlight: InFlight;
  readonly #maxBytes: number;

  constructor(inFlight: InFlight, maxBytes: number) {
    this.#inFlight = inFlight;
    this.#maxBytes = maxBytes;
  }

  /** Returns why the body is refused, as far as the headers tell. */
  refusal(request: IncomingMessage): KvsError | undefined {
    const length = bodyLength(request);
    if (length === 0) return undefined;
    if (length !== undefined && length > this.#maxBytes) return this.#tooLarge();
    const encoding = request.headers['content-encoding'] ?? 'identity';
    if (encoding.toLowerCase() === 'identity') return undefined;
    return new KvsError('unsupported_media_type', `a body in the content encoding ${encoding} is not read`);
  }

  /** Calls `whole` when the whole body has arrived; never if it is refused or the client disconnects. */
  read(
    request: IncomingMessage,
    response: ServerResponse,
    admission: Admission,
    whole: (bytes: Uint8Array) => void,
  ): void {
    const length = bodyLength(request);
    const body = new ChunkBuffer(length ?? this.#maxBytes);
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      const refusal =
        bytes > this.#maxBytes ? this.#tooLarge() : this.#inFlight.hold(admission, chunk.length);
      if (refusal) {
        refuse(response, refusal);
        return;
      }
      body.append(chunk);
      if (bytes === length) whole(body.bytes);
    });
    if (length === undefined) request.on('end', () => whole(body.bytes));
  }

  #tooLarge(): KvsError {
    return new KvsError('body_too_large', `a body has at most ${this.#maxBytes} bytes`);
  }
}
