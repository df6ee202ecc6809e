import fc from 'fast-check';
import {
  DEFAULT_LIMITS,
  guardDeleteItem,
  guardKeyItem,
  guardSetItem,
  partitionOf,
  type DeleteItem,
  type Key,
  type SetItem,
} from '@kvs/protocol';
import { batches, epochs, ids, slabs } from '../../test/arbitraries.js';
import { BOUNDLESS, encodeCalls, frameOf, integer, readCalls, routed } from '../../test/frames.js';
import { weightOf, type Batch } from '../batch.js';
import type { CallRoom, DecodedCall } from './calls.js';
import { FrameBuilder } from './frame-builder.js';
import { FRAME, KIND_CODES, LinkProtocolError } from './frame.js';

const builder = new FrameBuilder();
const encode = (...calls: { id: number; batch: Batch; epoch?: number }[]) => encodeCalls(builder, calls);

/** Data that the types would not let through: what a peer may send all the same. */
function unchecked<T>(value: unknown): T {
  return value as T;
}
const key = (data: string, encoding = 'string') => unchecked<Key>({ encoding, data });

/** The call as a node reads it. */
function decoded(id: number, batch: Batch, epoch?: number): DecodedCall {
  return { id, ...routed(batch, epoch) };
}

function refusalOf(call: DecodedCall | undefined): string | undefined {
  return call !== undefined && 'refusal' in call ? call.refusal.code : undefined;
}

describe('a frame of calls', () => {
  it('is read as it was written, whatever calls travel together', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(ids, batches, epochs), { maxLength: 5 }), slabs, (given, slab) => {
        const calls = given.map(([id, batch, epoch]) => ({ id, batch, epoch }));
        const frame = encodeCalls(new FrameBuilder(slab), calls);
        expect(readCalls(frame)).toEqual(given.map((call) => decoded(...call)));
      }),
      { numRuns: 300 },
    );
  });

  it('takes calls that are larger than what frames share', () => {
    const items = Array.from({ length: 4000 }, (_, i) => key(`key-${i}`));
    const calls = [
      { id: 1, batch: { kind: 'query', items } as const },
      { id: 2, batch: { kind: 'fetch', items: [key('日本')] } as const },
    ];
    expect(readCalls(encode(...calls))).toEqual(calls.map(({ id, batch }) => decoded(id, batch)));
  });
});

describe('a frame of calls is refused whole', () => {
  const call = (id: number, count = 1) => ({
    id,
    batch: { kind: 'query', items: Array.from({ length: count }, () => key('12345678')) } as const,
  });
  const weight = weightOf(call(1).batch);

  it.each<[string, CallRoom, number[]]>([
    ['more calls than there is room for', { calls: 2, bytes: 1e6, isIdle: false }, [1, 1, 1]],
    ['more bytes than there is room for', { calls: 9, bytes: 3 * weight - 1, isIdle: false }, [1, 2]],
    ['more bytes, though nothing is unanswered', { calls: 9, bytes: weight, isIdle: true }, [1, 1]],
    [
      'a call that is too large, while others are unanswered',
      { calls: 9, bytes: weight, isIdle: false },
      [2],
    ],
    ['a call of no items', BOUNDLESS, [1, 0]],
  ])('when it has %s', (_, room, counts) => {
    const frame = encode(...counts.map((count, id) => call(id, count)));
    expect(() => readCalls(frame, DEFAULT_LIMITS, room)).toThrow(LinkProtocolError);
  });

  it.each<[string, CallRoom, number[]]>([
    ['as many calls as there is room for', { calls: 2, bytes: 3 * weight, isIdle: false }, [1, 2]],
    ['one large call, and nothing is unanswered', { calls: 1, bytes: 1, isIdle: true }, [7]],
  ])('but not when it has %s', (_, room, counts) => {
    const frame = encode(...counts.map((count, id) => call(id, count)));
    expect(readCalls(frame, DEFAULT_LIMITS, room)).toHaveLength(counts.length);
  });
});

describe('a partition', () => {
  /** A call with one key, `k`, and this partition in place of its own. */
  function call(kind: 'set' | 'fetch' | 'delete', partition: number): Buffer {
    builder.begin(FRAME.calls);
    for (const number of [1, KIND_CODES[kind], 1, 0, partition, 1]) builder.varint(number);
    if (kind === 'set') builder.varint(0);
    builder.text('k');
    return builder.finish();
  }
  const own = partitionOf(key('k'));

  it.each(['set', 'delete'] as const)('of a %s must be that of its key', (kind) => {
    expect(readCalls(call(kind, own))).toMatchObject([{ kind, partitions: [own] }]);
    expect(() => readCalls(call(kind, own + 1))).toThrow(LinkProtocolError);
  });

  it('of a read may be any that exists, because there is nothing to find in a wrong one', () => {
    expect(readCalls(call('fetch', own + 1))).toMatchObject([{ partitions: [own + 1] }]);
    expect(() => readCalls(call('fetch', 4096))).toThrow(LinkProtocolError);
  });
});

describe('a frame of calls makes no sense', () => {
  const withEpoch = Uint8Array.of(KIND_CODES.query | 128);
  const query = [KIND_CODES.query, 1, 0, 7, 1]; // one key of partition 7
  const partition = partitionOf(key('k'));

  it('but not if it is as these tests write it', () => {
    expect(readCalls(frameOf(FRAME.calls, [1, ...query], 'k'))).toHaveLength(1);
    expect(readCalls(frameOf(FRAME.calls, [1, withEpoch, 1, integer(1n), 0, 7, 1], 'k'))).toHaveLength(1);
  });

  it.each<[string, (number | Uint8Array)[]]>([
    ['an id has more than 32 bits', [Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x10), ...query]],
    ['an epoch is 0', [1, withEpoch, 1, integer(0n), 0, 7, 1]],
    ['an epoch is beyond 2⁵³', [1, withEpoch, 1, integer(2n ** 53n), 0, 7, 1]],
    ['a key has the flag of a value', [1, KIND_CODES.query, 1, 2, 7, 1]],
    ['a delete has the flag of a time to live', [1, KIND_CODES.delete, 1, 4, partition, 1]],
    [
      'a set has a time to live and a deadline',
      [1, KIND_CODES.set, 1, 4 | 16, partition, 1, 0, integer(1n), integer(1n)],
    ],
  ])('if %s', (_, numbers) => {
    expect(() => readCalls(frameOf(FRAME.calls, numbers, 'k'))).toThrow(LinkProtocolError);
  });
});

describe('an item that is not valid', () => {
  const limits = { ...DEFAULT_LIMITS, maxKeyBytes: 4, maxValueBytes: 6, maxBatchItems: 3 };
  const set = (item: unknown): Batch => ({ kind: 'set', items: [unchecked<SetItem>(item)] });
  const good = { key: key('k'), value: key('v') };

  it.each<[string, Batch]>([
    ['empty_key', { kind: 'fetch', items: [key('')] }],
    ['empty_key', set({ ...good, key: key(''), ttlMs: 0 })],
    ['key_too_long', { kind: 'query', items: [key('12345')] }],
    ['key_too_long', { kind: 'query', items: [key('日本')] }],
    ['invalid_data', { kind: 'query', items: [key('abc', 'binary')] }],
    ['invalid_data', { kind: 'query', items: [key('xy', 'binary')] }],
    ['value_too_large', set({ ...good, value: key('1234567') })],
    ['value_too_large', set({ ...good, value: key('00112233445566', 'binary') })],
    ['invalid_data', set({ ...good, value: key('0', 'binary') })],
    ['invalid_ttl', set({ ...good, ttlMs: 0 })],
    ['invalid_ttl', set({ ...good, ttlMs: 1e16 })],
    ['invalid_version', set({ ...good, ifVersion: 2 ** 53 })],
    [
      'invalid_version',
      { kind: 'delete', items: [unchecked<DeleteItem>({ key: key('k'), ifVersion: 2 ** 60 })] },
    ],
    ['invalid_ttl', set({ ...good, expiresAtMs: 2 ** 60 })],
    ['too_many_items', { kind: 'query', items: Array.from({ length: 4 }, () => key('k')) }],
  ])('refuses its own call with %s, and none beside it: %j', (code, bad) => {
    const fine = set({ ...good, value: key('日本') });
    const calls = readCalls(
      encode({ id: 1, batch: fine }, { id: 2, batch: bad }, { id: 3, batch: fine }),
      limits,
    );
    expect(calls.map(refusalOf)).toEqual([undefined, code, undefined]);
    expect(calls[2]).toEqual(decoded(3, fine));
  });

  it('is not refused as one too many if it is the last of as many as a batch may have', () => {
    const batch: Batch = { kind: 'query', items: Array.from({ length: 3 }, () => key('k')) };
    expect(readCalls(encode({ id: 1, batch }), limits)).toEqual([decoded(1, batch)]);
  });

  it.each([
    ['key', '😀', [1, KIND_CODES.query, 2, ...[0, 7, 1], ...[0, 7, 1]]],
    ['value', 'k😀', [1, KIND_CODES.set, 2, ...[0, partitionOf(key('k')), 1, 1], ...[0, 7, 1, 0]]],
  ])('may be a %s that ends within a character', (_, text, numbers) => {
    expect(readCalls(frameOf(FRAME.calls, numbers, text))).toEqual([
      { id: 1, refusal: { code: 'invalid_data', message: 'item 0 of the batch: invalid data' } },
    ]);
  });

  it('is told by its place in the batch', () => {
    const batch: Batch = { kind: 'query', items: [key('k'), key('')] };
    expect(readCalls(encode({ id: 1, batch }))).toEqual([
      { id: 1, refusal: { code: 'empty_key', message: 'item 1 of the batch: empty key' } },
    ]);
  });
});

it('reads binary data in its canonical form', () => {
  const frame = encode({ id: 1, batch: { kind: 'query', items: [key('ABcd', 'binary')] } });
  expect(readCalls(frame)).toMatchObject([{ kind: 'query', items: [key('abcd', 'binary')] }]);
});

describe('an item is taken exactly when the guard of the protocol takes it, and as the same', () => {
  const limits = { ...DEFAULT_LIMITS, maxKeyBytes: 6, maxValueBytes: 8 };
  const data = fc.record({
    encoding: fc.constantFrom('string', 'binary'),
    data: fc.oneof(
      // Keys are sent in their canonical form: the partition is computed from that.
      fc.string({ maxLength: 10 }).map((text) => text.toLowerCase()),
      fc.string({ unit: fc.constantFrom('0', 'a', 'f', 'é', '日', '😀', 'g'), maxLength: 10 }),
    ),
  });
  const numbers = fc.oneof(fc.constantFrom(0, 1, 1e15, 1e15 + 1, 2 ** 53 - 1, 2 ** 53), fc.maxSafeNat());

  it('to set', () => {
    const items = fc.record(
      { key: data, value: data, ttlMs: numbers, ifVersion: numbers },
      { requiredKeys: ['key', 'value'] },
    );
    fc.assert(
      fc.property(items, ({ key, value, ttlMs, ifVersion }) => {
        const sent = { key, value, ttlMs, ifVersion };
        const frame = encode({ id: 1, batch: { kind: 'set', items: [unchecked<SetItem>(sent)] } });
        const wire = {
          key,
          value,
          ...(ttlMs === undefined ? undefined : { ttl_ms: ttlMs }),
          ...(ifVersion === undefined ? undefined : { if_version: ifVersion }),
        };
        const guarded = guardSetItem(wire, limits);
        const [call] = readCalls(frame, limits);
        if (guarded === undefined) expect(refusalOf(call)).toBeDefined();
        else expect(call).toEqual(decoded(1, { kind: 'set', items: [guarded] }));
      }),
    );
  });

  it('to read and to delete', () => {
    fc.assert(
      fc.property(data, fc.option(numbers, { nil: undefined }), (raw, ifVersion) => {
        const read = readCalls(
          encode({ id: 1, batch: { kind: 'fetch', items: [unchecked<Key>(raw)] } }),
          limits,
        );
        const guardedKey = guardKeyItem(raw, limits);
        expect(refusalOf(read[0]) === undefined).toBe(guardedKey !== undefined);
        const item = unchecked<DeleteItem>({ key: raw, ifVersion });
        const [call] = readCalls(encode({ id: 1, batch: { kind: 'delete', items: [item] } }), limits);
        const wire = { key: raw, ...(ifVersion === undefined ? undefined : { if_version: ifVersion }) };
        const guarded = guardDeleteItem(wire, limits);
        if (guarded === undefined) expect(refusalOf(call)).toBeDefined();
        else expect(call).toEqual(decoded(1, { kind: 'delete', items: [guarded] }));
      }),
    );
  });
});
