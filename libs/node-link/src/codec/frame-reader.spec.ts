import fc from 'fast-check';
import { DEFAULT_LIMITS, guardDeleteItem, guardKey, guardSetItem, stringValue } from '@kvs/protocol';
import { answers, batches, ids, streamRequests } from '../../test/arbitraries.js';
import {
  BOUNDLESS,
  callFor,
  encodeCalls,
  MAX_FRAME_BYTES,
  readAnswers,
  readCalls,
  readFrames,
} from '../../test/frames.js';
import { encodeAnswers, AnswerReader, type Answer } from './answers.js';
import { decodeCalls, type DecodedCall } from './calls.js';
import { encodeSignal, FrameBuilder } from './frame-builder.js';
import type { FrameCursor } from './frame-cursor.js';
import { FrameReader } from './frame-reader.js';
import { FRAME, LinkProtocolError } from './frame.js';
import { decodeHello, encodeHello } from './hello.js';
import {
  decodeCancel,
  decodeChunk,
  decodeCredit,
  decodeEnd,
  decodeOpen,
  encodeCancel,
  encodeChunkHead,
  encodeCredit,
  encodeEnd,
  encodeOpen,
} from './streams.js';

const builder = new FrameBuilder();
const limits = { frameBytes: 10_000, maxFrameBytes: MAX_FRAME_BYTES };
const helloLimits = { maxFrameBytes: 2 ** 17, maxCallsInFlight: 70, maxBytesInFlight: 2 ** 40 };

const calls = fc.array(fc.record({ id: ids, batch: batches }), { maxLength: 4 });
const frames = fc.oneof(
  calls.map((given) => Buffer.from(encodeCalls(builder, given))),
  fc.array(answers, { maxLength: 4 }).map((given) => Buffer.concat(encodeAnswers(builder, given, limits))),
  fc.constant(helloLimits).map((given) => Buffer.from(encodeHello(builder, given))),
  streamRequests.map((request) => Buffer.from(encodeOpen(builder, { id: 7, credit: 1000, request }))),
  fc
    .uint8Array({ minLength: 1 })
    .map((bytes) => Buffer.concat([encodeChunkHead(builder, 7, bytes.length), bytes])),
  fc.constantFrom(FRAME.ping, FRAME.goAway).map((type) => Buffer.from(encodeSignal(builder, type))),
);

describe('a stream of frames', () => {
  it('is cut into the same frames however its bytes come', () => {
    fc.assert(
      fc.property(
        fc.array(frames, { maxLength: 5 }),
        fc.array(fc.integer({ min: 1, max: 40 })),
        (sent, cuts) => {
          const bytes = Buffer.concat(sent);
          const seen: number[] = [];
          const reader = new FrameReader(MAX_FRAME_BYTES, (type) => seen.push(type));
          let at = 0;
          for (const size of cuts) {
            reader.push(bytes.subarray(at, at + size));
            at = Math.min(at + size, bytes.length);
          }
          reader.push(bytes.subarray(at));
          expect(seen).toEqual(sent.map((frame) => frame[4]));
        },
      ),
    );
  });

  it('is refused at the header of a frame that is too large, before any of it has come', () => {
    const reader = new FrameReader(1000, () => undefined);
    expect(() => reader.push(Buffer.from([0xe5, 0x03, 0, 0]))).toThrow(LinkProtocolError);
  });

  it('takes no more memory than a few times what came of a frame, however it comes', () => {
    const reader = new FrameReader(2 ** 26, () => undefined);
    const header = Buffer.alloc(4);
    header.writeUInt32LE(2 ** 26 - 4);
    reader.push(header);
    reader.push(Buffer.alloc(1));
    expect(reader.heldBytes).toBe(2 ** 18); // the memory that it took, though few bytes have come
    for (let came = 6; came < 3_000_000; came += came < 10_000 ? 1 : 1000) {
      reader.push(Buffer.alloc(came < 10_000 ? 1 : 1000));
      expect(reader.heldBytes <= Math.max(2 * came + 2000, 2 ** 18)).toBe(true);
    }
  });

  it('holds nothing between frames', () => {
    const reader = new FrameReader(1000, () => undefined);
    const frame = Buffer.from(encodeHello(builder, helloLimits));
    const held = (chunk: Buffer): number => {
      reader.push(chunk);
      return reader.heldBytes;
    };
    expect(held(frame.subarray(0, 6))).toBe(6);
    expect(held(frame.subarray(6))).toBe(0);
    expect(held(Buffer.concat([frame, frame.subarray(0, 3)]))).toBe(3);
  });

  it('does not keep the memory of a chunk with a few bytes of the next frame', () => {
    const reader = new FrameReader(1000, () => undefined);
    const frame = Buffer.from(encodeHello(builder, helloLimits));
    const chunk = Buffer.concat([...Array<Buffer>(2000).fill(frame), frame.subarray(0, 3)]);
    reader.push(chunk);
    // If the reader held a view, a change of the chunk would change the frame too.
    chunk.fill(0xff);
    reader.push(frame.subarray(3));
    expect(reader.heldBytes).toBe(0);
  });

  it('is refused when a frame is shorter than its header, or of no known type, or flagged as none is', () => {
    const signal = (change: (bytes: Buffer) => void): Buffer => {
      const bytes = Buffer.from(encodeSignal(builder, FRAME.ping));
      change(bytes);
      return bytes;
    };
    for (const bytes of [
      Buffer.alloc(4),
      signal((frame) => (frame[0] = 5)),
      signal((frame) => (frame[4] = 0)),
      signal((frame) => (frame[4] = 13)),
      signal((frame) => (frame[5] = 2)),
      signal((frame) => (frame[6] = 1)),
    ]) {
      expect(() => readFrames(bytes, () => undefined)).toThrow(LinkProtocolError);
    }
  });
});

describe('a frame', () => {
  /** Returns the frame with numbers or text that are a byte longer or shorter. */
  function altered(frame: Buffer, what: 'numbers' | 'text', by: 1 | -1): Buffer {
    const textAt = frame.length - frame.readUInt32LE(6);
    const end = what === 'numbers' ? textAt : frame.length;
    const head = by > 0 ? [frame.subarray(0, end), Buffer.alloc(by)] : [frame.subarray(0, end + by)];
    const bytes = Buffer.concat([...head, frame.subarray(end)]);
    bytes.writeUInt32LE(bytes.length - 4);
    if (what === 'text') bytes.writeUInt32LE(frame.length - textAt + by, 6);
    return bytes;
  }

  const each = (...written: readonly Buffer[]) =>
    fc.constantFrom(...written.map((frame) => Buffer.from(frame)));
  const failure = { code: 'wrong_node' as const, message: 'moved', partition: 4095 };
  const entry = { value: stringValue('v'), version: 1, ttlMs: 1, expiresAtMs: 1 };
  const open: readonly Answer[] = [
    { id: 0, kind: 'set', outcomes: [{ ok: true, version: 1, created: true }] },
    { id: 1, kind: 'fetch', outcomes: [{ ok: true, entry }] },
    { id: 2, kind: 'query', outcomes: [{ ok: false, code: 'overloaded', message: 'm' }] },
    { id: 3, refusal: failure },
  ];
  const openCall = (id: number) => {
    const answer = open[id];
    return answer && callFor(answer);
  };
  const streamFrame =
    (decode: (cursor: FrameCursor) => unknown) =>
    (frame: Buffer): unknown =>
      readFrames(frame, decode);

  it.each<[string, fc.Arbitrary<Buffer>, (frame: Buffer) => unknown]>([
    [
      'calls',
      calls.filter(({ length }) => length > 0).map((given) => Buffer.from(encodeCalls(builder, given))),
      (frame) => readCalls(frame),
    ],
    [
      'answers',
      each(...open.flatMap((answer) => encodeAnswers(builder, [answer], limits))),
      (frame) => readAnswers([frame], openCall),
    ],
    [
      'a request',
      streamRequests.map((request) => Buffer.from(encodeOpen(builder, { id: 7, credit: 1, request }))),
      streamFrame(decodeOpen),
    ],
    ['an end', each(encodeEnd(builder, 300), encodeEnd(builder, 7, failure)), streamFrame(decodeEnd)],
    ['credit', each(encodeCredit(builder, 7, 1)), streamFrame(decodeCredit)],
    ['a cancellation', each(encodeCancel(builder, 7)), streamFrame(decodeCancel)],
  ])('of %s is refused if its numbers or its text are longer or shorter than they say', (_, given, read) => {
    fc.assert(
      fc.property(given, fc.constantFrom('numbers', 'text'), fc.constantFrom(1, -1), (frame, what, by) => {
        fc.pre(what === 'numbers' || by === 1 || frame.readUInt32LE(6) > 0);
        read(frame);
        expect(() => read(altered(frame, what, by))).toThrow(LinkProtocolError);
      }),
      { numRuns: 300 },
    );
  });

  it('of a chunk is refused if it has text', () => {
    const frame = Buffer.concat([encodeChunkHead(builder, 7, 1), Buffer.alloc(1)]);
    expect(() => readFrames(altered(frame, 'text', 1), decodeChunk)).toThrow(LinkProtocolError);
  });

  it('of a hello is refused if it has less text than it says', () => {
    const identity = { clusterId: 'c', bootId: 'bb' };
    const frame = Buffer.from(encodeHello(builder, { ...helloLimits, identity }));
    expect(() => readFrames(altered(frame, 'text', -1), decodeHello)).toThrow(LinkProtocolError);
  });
});

/** Bytes with some of them changed, taken out or cut off. */
const damaged = fc
  .tuple(frames, fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }), fc.nat(5))
  .map(([frame, changes, cut]) => {
    const bytes = Buffer.from(frame);
    for (const [at, value] of changes) {
      // The length is mended below, so that damage reaches what is behind it.
      if (bytes.length > 4) bytes[4 + (at % (bytes.length - 4))] = value;
    }
    const kept = bytes.subarray(0, Math.max(10, bytes.length - cut));
    kept.writeUInt32LE(kept.length - 4, 0);
    return kept;
  });

function isChecked(call: DecodedCall): boolean {
  if ('refusal' in call) return true;
  switch (call.kind) {
    case 'set':
      return call.items.every(({ ttlMs, expiresAtMs = 0, ifVersion, ...rest }) => {
        const wire = {
          ...rest,
          ...(ttlMs && { ttl_ms: ttlMs }),
          ...(ifVersion && { if_version: ifVersion }),
        };
        const isMoment = Number.isSafeInteger(expiresAtMs) && expiresAtMs >= 0;
        return isMoment && guardSetItem(wire, DEFAULT_LIMITS) !== undefined;
      });
    case 'delete':
      return call.items.every(({ key, ifVersion }) => {
        const wire = { key, ...(ifVersion && { if_version: ifVersion }) };
        return guardDeleteItem(wire, DEFAULT_LIMITS) !== undefined;
      });
    default:
      return call.items.every((key) => guardKey(key, DEFAULT_LIMITS) !== undefined);
  }
}

describe('whatever bytes come', () => {
  const readEverything = (bytes: Buffer, use: (cursor: FrameCursor) => void): void => {
    try {
      readFrames(bytes, use);
    } catch (error) {
      if (!(error instanceof LinkProtocolError)) throw error;
    }
  };

  it.each([
    ['damaged frames', damaged],
    ['bytes of any kind', fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes))],
  ])(
    'of %s, reading throws nothing but a protocol error, and gives no item that was not checked',
    (_, input) => {
      fc.assert(
        fc.property(input, (bytes) => {
          readEverything(bytes, (cursor) => {
            expect(decodeCalls(cursor, DEFAULT_LIMITS, BOUNDLESS).filter((call) => !isChecked(call))).toEqual(
              [],
            );
          });
        }),
        { numRuns: 1000 },
      );
    },
  );

  it('reading them as answers, as a hello or as frames of streams throws nothing else either', () => {
    fc.assert(
      fc.property(damaged, answers, (bytes, open) => {
        readEverything(bytes, (cursor) => void new AnswerReader(() => callFor(open)).read(cursor));
        for (const decode of [decodeHello, decodeOpen, decodeChunk, decodeEnd, decodeCredit, decodeCancel])
          readEverything(bytes, (cursor) => void decode(cursor));
      }),
      { numRuns: 1000 },
    );
  });
});
