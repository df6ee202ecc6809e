import type { IncomingMessage, ServerResponse } from 'node:http';
import { KvsError } from '@kvs/protocol';
import { ChunkBuffer } from './chunk-buffer.js';
import { refuse } from './closing.js';
import type { RequestMemory } from './request-memory.js';

/** A request for Express. */
export interface AdmittedRequest extends IncomingMessage {
  readonly body: Uint8Array;
  readonly memory: RequestMemory;
}

export const NO_BODY = new Uint8Array();

/** Returns the length of the body in bytes; undefined if the body is chunked. */
export function bodyLength({ headers }: IncomingMessage): number | undefined {
  return headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : undefined;
}

/** Reads the bodies of requests. */
export class BodyReader {
  readonly #maxBytes: number;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Returns the reason to refuse the body by the headers, or undefined. */
  refusal(request: IncomingMessage): KvsError | undefined {
    const length = bodyLength(request);
    if (length === 0) return undefined;
    if (length !== undefined && length > this.#maxBytes) return this.#tooLarge();
    const encoding = request.headers['content-encoding'] ?? 'identity';
    if (encoding.toLowerCase() === 'identity') return undefined;
    return new KvsError('unsupported_media_type', `a body in the content encoding ${encoding} is not read`);
  }

  /** Calls `onBody` when all of the body has arrived; never if it is refused or the client disconnects. */
  read(
    request: IncomingMessage,
    response: ServerResponse,
    memory: RequestMemory,
    onBody: (bytes: Uint8Array) => void,
  ): void {
    const length = bodyLength(request);
    const body = new ChunkBuffer(length ?? this.#maxBytes);
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      const refusal = bytes > this.#maxBytes ? this.#tooLarge() : memory.holdBody(chunk.length);
      if (refusal) {
        refuse(response, refusal);
        return;
      }
      body.append(chunk);
      if (bytes === length) onBody(body.bytes);
    });
    if (length === undefined) request.on('end', () => onBody(body.bytes));
  }

  #tooLarge(): KvsError {
    return new KvsError('body_too_large', `a body has at most ${this.#maxBytes} bytes`);
  }
}
