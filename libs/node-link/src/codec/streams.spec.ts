import fc from 'fast-check';
import { ids, slabs, streamRequests } from '../../test/arbitraries.js';
import { MAX_FRAME_BYTES, readFrames } from '../../test/frames.js';
import { FrameBuilder } from './frame-builder.js';
import { FrameReader } from './frame-reader.js';
import { FRAME, LinkProtocolError } from './frame.js';
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
const chunkFrame = (id: number, bytes: Uint8Array): Buffer =>
  Buffer.concat([encodeChunkHead(builder, id, bytes.length), bytes]);

describe('the frames of streams are read as they were written', () => {
  it('requests', () => {
    fc.assert(
      fc.property(ids, ids, streamRequests, slabs, (id, credit, request, slab) => {
        const frame = { id, credit, request };
        expect(readFrames(encodeOpen(new FrameBuilder(slab), frame), decodeOpen)).toEqual([frame]);
      }),
    );
  });

  it('chunks, of any bytes', () => {
    fc.assert(
      fc.property(ids, fc.uint8Array(), (id, bytes) => {
        const [chunk] = readFrames(chunkFrame(id, bytes), decodeChunk);
        expect([chunk?.id, new Uint8Array(chunk?.bytes ?? [])]).toEqual([id, bytes]);
      }),
    );
  });

  it('ends, complete ones and others', () => {
    const failure = { code: 'engine_unavailable' as const, message: 'gone' };
    expect(readFrames(encodeEnd(builder, 7), decodeEnd)).toEqual([{ id: 7 }]);
    expect(readFrames(encodeEnd(builder, 8, failure), decodeEnd)).toEqual([{ id: 8, failure }]);
    const stopped = { ...failure, partition: 4095 };
    for (let slab = 10; slab < 40; slab++) {
      const frame = encodeEnd(new FrameBuilder(slab), 9, stopped);
      expect(readFrames(frame, decodeEnd)).toEqual([{ id: 9, failure: stopped }]);
    }
    const nowhere = encodeEnd(builder, 9, { ...failure, partition: 4096 });
    expect(() => readFrames(nowhere, decodeEnd)).toThrow(LinkProtocolError);
  });

  it('grants and cancellations', () => {
    expect(readFrames(encodeCredit(builder, 7, 1000), decodeCredit)).toEqual([{ id: 7, bytes: 1000 }]);
    expect(readFrames(encodeCancel(builder, 7), decodeCancel)).toEqual([7]);
  });
});

describe('a frame of a stream is refused', () => {
  it('if it asks for a stream of an unknown kind', () => {
    builder.begin(FRAME.open);
    for (const number of [1, 1000, 3]) builder.varint(number);
    expect(() => readFrames(builder.finish(), decodeOpen)).toThrow(LinkProtocolError);
  });

  it('if its prefix is not valid in its encoding', () => {
    builder.begin(FRAME.open);
    for (const number of [1, 1000, 1, 1 | 2, 3]) builder.varint(number);
    builder.text('xyz');
    expect(() => readFrames(builder.finish(), decodeOpen)).toThrow(LinkProtocolError);
  });

  it('if it is a chunk of more than 64 KiB', () => {
    const reader = new FrameReader(2 * MAX_FRAME_BYTES, (_, cursor) => decodeChunk(cursor));
    reader.push(chunkFrame(1, new Uint8Array(65_536)));
    expect(() => reader.push(chunkFrame(1, new Uint8Array(65_537)))).toThrow(LinkProtocolError);
  });
});
