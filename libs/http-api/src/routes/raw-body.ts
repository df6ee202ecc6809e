import { isAscii } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import {
  createParamDecorator,
  Inject,
  Injectable,
  type ExecutionContext,
  type PipeTransform,
} from '@nestjs/common';
import {
  decodeUtf8,
  parseJsonBody,
  type DeleteItem,
  type IncrementItem,
  type Key,
  type SetItem,
  type TouchItem,
} from '@kvs/protocol';
import { BatchPipe, DELETE_ITEM, INCREMENT_ITEM, KEY_ITEM, SET_ITEM, TOUCH_ITEM } from '@kvs/protocol/nest';
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

  transform({ bytes, contentType }: ReceivedBody): unknown {
    return parseJsonBody(bytes, contentType, this.#limits, decodeText);
  }
}

/** Most bodies are ASCII, which a copy decodes. */
function decodeText(bytes: Uint8Array): string {
  if (!isAscii(bytes)) return decodeUtf8(bytes);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

@Injectable()
export class SetItemsPipe extends BatchPipe<SetItem> {
  constructor(@Inject(LIMITS) limits: Limits) {
    super(SET_ITEM, limits);
  }
}

@Injectable()
export class KeysPipe extends BatchPipe<Key> {
  constructor(@Inject(LIMITS) limits: Limits) {
    super(KEY_ITEM, limits);
  }
}

@Injectable()
export class DeleteItemsPipe extends BatchPipe<DeleteItem> {
  constructor(@Inject(LIMITS) limits: Limits) {
    super(DELETE_ITEM, limits);
  }
}

@Injectable()
export class TouchItemsPipe extends BatchPipe<TouchItem> {
  constructor(@Inject(LIMITS) limits: Limits) {
    super(TOUCH_ITEM, limits);
  }
}

@Injectable()
export class IncrementItemsPipe extends BatchPipe<IncrementItem> {
  constructor(@Inject(LIMITS) limits: Limits) {
    super(INCREMENT_ITEM, limits);
  }
}
