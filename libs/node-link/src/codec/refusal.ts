import { isErrorCode, KvsError, WrongNodeError, type ErrorCode } from '@kvs/protocol';
import { MAX_VARINT_BYTES, type FrameBuilder } from './frame-builder.js';
import type { FrameCursor } from './frame-cursor.js';
import { LinkProtocolError } from './frame.js';

/** Why a node did nothing of a call, or did not complete a stream. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
  /** The first partition that a scan did not give, if it stopped because the node does not serve it. */
  readonly partition?: number;
}

/** Returns the refusal that tells a proxy of an error. Reports errors that are no `KvsError`, and hides their messages. */
export function refusalOf(error: unknown, onError: (error: unknown) => void): Refusal {
  if (error instanceof WrongNodeError)
    return { code: error.code, message: error.message, partition: error.partition };
  if (error instanceof KvsError) return { code: error.code, message: error.message };
  onError(error);
  return { code: 'internal_error', message: 'an unexpected error' };
}

/** Takes at most {@link REFUSAL_BYTES} and the text. */
export function putRefusal(builder: FrameBuilder, { code, message }: Refusal): void {
  const text = message.slice(0, MAX_MESSAGE_UNITS).toWellFormed();
  builder.varint(code.length);
  builder.varint(text.length);
  builder.text(code);
  builder.text(text);
}

/** @throws LinkProtocolError */
export function readRefusal(cursor: FrameCursor): Refusal {
  const codeUnits = cursor.varint();
  const messageUnits = cursor.varint();
  if (messageUnits > MAX_MESSAGE_UNITS) throw new LinkProtocolError('a message is too long');
  const code = cursor.text(codeUnits);
  const message = cursor.text(messageUnits);
  if (!isErrorCode(code)) throw new LinkProtocolError('an error code that is not known');
  return { code, message };
}

export const REFUSAL_BYTES = 2 * MAX_VARINT_BYTES;

/** The longest message of a refusal or failure, in UTF-16 units. Nobody reads a longer one. */
export const MAX_MESSAGE_UNITS = 1024;
