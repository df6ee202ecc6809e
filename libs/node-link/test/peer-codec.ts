import type { FrameBuilder } from '../src/codec/frame-builder.js';
import type { FrameCursor } from '../src/codec/frame-cursor.js';
import { LinkProtocolError } from '../src/codec/frame.js';
import type { PeerCodec } from '../src/codec/peer-messages.js';

/** A message of tests. */
export interface TestMessage {
  readonly number: number;
  readonly texts: readonly string[];
}

/** A number, a count, and the length of each text. */
export const testCodec: PeerCodec<TestMessage> = {
  put(builder: FrameBuilder, { number, texts }: TestMessage): void {
    builder.reserve(5 * (2 + texts.length));
    builder.varint(number);
    builder.varint(texts.length);
    for (const text of texts) {
      builder.varint(text.length);
      builder.text(text);
    }
  },
  read(cursor: FrameCursor): TestMessage {
    const number = cursor.varint();
    const count = cursor.varint();
    if (count > cursor.room(1)) throw new LinkProtocolError('a message has fewer texts than it says');
    return { number, texts: Array.from({ length: count }, () => cursor.text(cursor.varint())) };
  },
};

export function message(number: number, ...texts: string[]): TestMessage {
  return { number, texts };
}
