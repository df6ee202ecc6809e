import fc from 'fast-check';
import { readFrames } from '../../test/frames.js';
import { message, testCodec, type TestMessage } from '../../test/peer-codec.js';
import { FrameBuilder } from './frame-builder.js';
import type { FrameCursor } from './frame-cursor.js';
import { FrameReader } from './frame-reader.js';
import { FRAME, LinkProtocolError } from './frame.js';
import { receiveMessages } from './peer-messages.js';

const builder = new FrameBuilder();
const messages: fc.Arbitrary<TestMessage[]> = fc.array(
  fc.record({
    number: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    texts: fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 4 }),
  }),
  { maxLength: 5 },
);

function frameOf(sent: readonly TestMessage[]): Buffer {
  builder.begin(FRAME.messages);
  for (const each of sent) testCodec.put(builder, each);
  return Buffer.from(builder.finish());
}

/** Returns the messages that are passed on, or the error. */
function received(bytes: Buffer): TestMessage[] | LinkProtocolError {
  const got: TestMessage[] = [];
  const receiver = receiveMessages(
    () => undefined,
    testCodec,
    (_, each) => got.push(each),
  );
  try {
    readFrames(bytes, (cursor) => receiver.receive('boot-a', cursor));
  } catch (error) {
    if (!(error instanceof LinkProtocolError)) throw error;
    expect(got).toEqual([]);
    return error;
  }
  return got;
}

describe('a frame of messages', () => {
  it('is read as it was written', () => {
    fc.assert(fc.property(messages, (sent) => expect(received(frameOf(sent))).toEqual(sent)));
  });

  it('that is cut off anywhere behind its header gives no message at all', () => {
    const sent = [message(1, 'one'), message(2, 'two', 'three')];
    const frame = frameOf(sent);
    for (let length = 11; length < frame.length; length++) {
      const cut = Buffer.from(frame.subarray(0, length));
      cut.writeUInt32LE(length - 4, 0);
      expect(received(cut)).toBeInstanceOf(LinkProtocolError);
    }
  });

  it('of any bytes gives messages or a protocol error, and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (bytes, text) => {
        const frame = Buffer.concat([Buffer.alloc(10), bytes]);
        frame.writeUInt32LE(frame.length - 4, 0);
        frame.writeUInt8(FRAME.messages, 4);
        frame.writeUInt32LE(Math.min(text, bytes.length), 6);
        const got = received(frame);
        expect(got instanceof LinkProtocolError || Array.isArray(got)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('with more messages than a sender puts into one is refused', () => {
    const sizes = [256 * 1024, 256 * 1024 + 1].map((count) => {
      let got = 0;
      const codec = { put: () => undefined, read: (cursor: FrameCursor) => cursor.byte() };
      const receiver = receiveMessages(
        () => undefined,
        codec,
        () => got++,
      );
      builder.begin(FRAME.messages);
      builder.reserve(count);
      builder.bytes(Buffer.alloc(count));
      const frame = Buffer.from(builder.finish());
      const reader = new FrameReader(frame.length, (_, cursor) => receiver.receive('boot-a', cursor));
      const receive = (): void => reader.push(frame);
      if (count > 256 * 1024) expect(receive).toThrow(LinkProtocolError);
      else receive();
      return got;
    });
    expect(sizes).toEqual([256 * 1024, 0]);
  });

  it('with a count that it has no room for is refused before anything of that size is made', () => {
    builder.begin(FRAME.messages);
    builder.reserve(10);
    builder.varint(1);
    builder.varint(2 ** 32 - 1);
    expect(received(Buffer.from(builder.finish()))).toBeInstanceOf(LinkProtocolError);
  });
});
