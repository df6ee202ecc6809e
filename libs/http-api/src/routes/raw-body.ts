import { isAscii } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import {
  createParamDecorator,
  Inject,
  Injectable,
  type ExecutionContext,
  type PipeTransform,
} from '@nestjs/common';
import { decodeUtf8, parseJsonBody } from '@kvs/protocol';
import { LIMITS, type Limits } from '../tokens.js';

/** The body of a request as received, with its declared type. */
export interface ReceivedBody {
  readonly bytes: Uint8Array;
  readonly contentType: string | undefined;
}

export function receivedBody(request: IncomingMessage & { readonly body?: unknown }): ReceivedBody {
  return {
    bytes: request.body instanceof Uint8Array ? request.body : EMPTY,
    contentType: request.headers['content-type'],
  };
}

const EMPTY = new Uint8Array();

/** Passes the received body to the pipes of the route. */
export const RawBody = createParamDecorator((_data: unknown, context: ExecutionContext) =>
  receivedBody(context.switchToHttp().getRequest()),
);

@Injectable()
export class JsonBodyPipe implements PipeTransform<ReceivedBody, unknown> {
  readonly #limits: Limits;

  constructor(@Inject(LIMITS) limits: Limits) {
    this.#limits = limits;
  }

  transform(body: ReceivedBody): unknown {
    return parseReceived(body, this.#limits);
  }
}

/**
 * Reads the body as JSON.
 *
 * @throws KvsError if it is not JSON, or if no valid batch can look like it
 */
export function parseReceived({ bytes, contentType }: ReceivedBody, limits: Limits): unknown {
  return parseJsonBody(bytes, contentType, limits, decodeText);
}

/** Most bodies are ASCII, which a copy decodes. */
function decodeText(bytes: Uint8Array): string {
  if (!isAscii(bytes)) return decodeUtf8(bytes);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
