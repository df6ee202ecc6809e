import { jest } from '@jest/globals';
import { binaryValue, stringKey, stringValue, type Value } from '@kvs/protocol';
import { ManualClock } from '../../testing/manual-clock.js';
import { numbered, PARTITION, placed, removal, write } from '../../testing/pairs.js';
import { variedAscii, variedBytes, variedText } from '../../../test/varied-values.js';
import { EVICTIONS } from './eviction/eviction-policy.js';
import { JsonScan } from './json/json-scan.js';
import { PairStore } from './pair-store.js';
import { scanPartition } from './partition-scan.js';
import { MAX_SLOT_BYTES } from './slab/size-classes.js';
import { FULL_CHUNK_BYTES, HEAD_BYTES } from './slab/chunk-layout.js';

const MIB = 1024 * 1024;
const clock = new ManualClock();
const NOW = clock.nowMicros();

/** The bytes of a pair besides its value, without neighbors or a deadline. */
const HEADER_AND_KEY_BYTES = 28 + 'key'.length;

/** Where a slot, or a number of chunks, is just large enough; and where the last chunk is of the largest size. */
const BOUNDARIES = [
  MAX_SLOT_BYTES,
  HEAD_BYTES + 7256,
  HEAD_BYTES + FULL_CHUNK_BYTES,
  HEAD_BYTES + 2 * FULL_CHUNK_BYTES,
  HEAD_BYTES + 8 * FULL_CHUNK_BYTES,
].map((size) => size - HEADER_AND_KEY_BYTES);

const LENGTHS = BOUNDARIES.flatMap((length) => [-3, -2, -1, 0, 1, 2, 3, 4, 5].map((more) => length + more));

const KINDS: readonly (readonly [string, (length: number, from?: number) => Value])[] = [
  ['ASCII', (length, from) => stringValue(variedAscii(length, from))],
  ['characters of several bytes', (length, from) => stringValue(variedText(length, from))],
  ['bytes', (length, from) => binaryValue(variedBytes(length, from))],
];

describe.each(KINDS)('a large value of %s', (_, valueOf) => {
  it('is read as it was written, whatever its length', () => {
    const store = open();
    for (const length of [...LENGTHS, 60_000, 65_536, 70_000, 1_000_000, 8 * MIB]) {
      const value = valueOf(length, length);
      expect(store.write(write('key', value), NOW).status).toBe('written');
      expectValue(store, 'key', value);
    }
  });

  it('is scanned as it was written', () => {
    const store = open();
    const values = new Map([9000, 100_000, 300_000].map((length) => [`key-${length}`, valueOf(length)]));
    for (const [key, value] of values) store.write(write(key, value), NOW);
    const partition = store.partition(PARTITION);
    if (partition === undefined) throw new RangeError('expected a partition');
    const pairs = [...scanPartition(store, partition, '', clock)].flat();
    expect(new Map(pairs.map(({ id, value }) => [id.slice(1), value]))).toEqual(values);
    const lines = linesOf(new JsonScan(store, clock, { meta: false, format: 'lines' }));
    const written = lines.map((line) => JSON.parse(line) as { key: { data: string }; value: Value });
    expect(new Map(written.map(({ key, value }) => [key.data, value]))).toEqual(values);
  });
});

describe('a store of large values', () => {
  it('overwrites them with others of any length', () => {
    const store = open();
    const lengths = [20_000, 10, 300_000, 9000, 8150, 9000, 50_000, 50_001, 2_000_000, 0, 70_000];
    for (const length of [...lengths, ...lengths.reverse()]) {
      const value = stringValue(variedText(length, length));
      store.write(write('key', value), NOW);
      expectValue(store, 'key', value);
    }
  });

  it('uses no more memory than before after they are deleted', () => {
    const store = open();
    store.write(write('key'), NOW);
    const before = store.budget.usedBytes;
    for (const times of [1, 2, 3]) {
      for (const key of numbered(100)) store.write(write(key, 'v'.repeat(times * 90_000)), NOW);
      for (const key of numbered(100)) store.delete(removal(key), NOW);
      // Up to four pages are kept for the next who needs one, and tables need not have shrunk wholly.
      expect(store.budget.usedBytes - before).toBeLessThan(4 * 67_000);
    }
  });

  it('finds them wherever they were moved when others went', () => {
    const store = open();
    const moved = { heads: 0, chunks: 0 };
    const { chunks } = store.records;
    const relink = chunks.relink.bind(chunks);
    jest.spyOn(chunks, 'relink').mockImplementation((to) => {
      moved[chunks.isChunk(to) ? 'chunks' : 'heads'] += 1;
      relink(to);
    });
    const keys = numbered(500);
    const valueOf = (index: number) => stringValue(variedText(9000 + 101 * index, index));
    for (const [index, key] of keys.entries()) store.write(write(key, valueOf(index)), NOW);
    for (const [index, key] of keys.entries()) if (index % 7 !== 0) store.delete(removal(key), NOW);
    expect(moved.heads).toBeGreaterThan(20);
    expect(moved.chunks).toBeGreaterThan(50);
    for (const [index, key] of keys.entries()) if (index % 7 === 0) expectValue(store, key, valueOf(index));
  });

  it('takes keys that lie in several slots', () => {
    const store = open();
    for (const length of [7990, 8000, 8001, 8130, 8160, 8161, 8170, 20_000]) {
      const keys = [1, 2].map((last) => stringKey(variedText(length) + last));
      for (const key of keys) for (const text of ['v', 'w']) store.write(write(key, text + key.data), NOW);
      for (const key of keys) expectValue(store, key, stringValue(`w${key.data}`));
      const idPrefix = `s${variedText(length)}`;
      const scan = new JsonScan(store, clock, { meta: false, format: 'lines', idPrefix });
      expect(linesOf(scan)).toHaveLength(2);
      for (const key of keys) expect(store.delete(removal(key), NOW).status).toBe('deleted');
    }
  });
});

describe('a full store', () => {
  it('refuses a large value and leaves the one before as it was', () => {
    const store = open(3 * MIB);
    const value = stringValue(variedText(500_000));
    store.write(write('key', value), NOW);
    store.write(write('small', 'as it was'), NOW);
    for (let i = 0; store.write(write(`more-${i}`, 'v'.repeat(100_000)), NOW).status === 'written'; i++);
    const before = store.budget.usedBytes;
    for (const key of ['key', 'small', 'new']) {
      expect(store.write(write(key, 'w'.repeat(1_000_000)), NOW)).toEqual({ status: 'out_of_memory' });
      expect(store.write(write(key, 'w'.repeat(8 * MIB)), NOW)).toEqual({ status: 'out_of_memory' });
    }
    expectValue(store, 'key', value);
    expectValue(store, 'small', stringValue('as it was'));
    expect(store.has(placed('new'), NOW)).toBe(false);
    expect(store.budget.usedBytes).toBe(before);
  });

  it('always overwrites a large value with a smaller one, and with one of the same size', () => {
    const store = open(2 * MIB);
    store.write(write('key', 'v'.repeat(800_000)), NOW);
    for (const length of [100_000, 10_000, 1000, 10])
      for (
        let i = 0;
        store.write(write(`${length}-${i}`, 'v'.repeat(length)), NOW).status === 'written';
        i++
      );
    const { usedBytes } = store.budget;
    for (let length = 800_000; length > 0; length = Math.floor(length * 0.93)) {
      for (const from of [1, 2]) {
        const value = stringValue(variedText(length, from));
        expect(store.write(write('key', value), NOW).status).toBe('written');
        expectValue(store, 'key', value);
      }
      expect(store.budget.usedBytes).toBeLessThanOrEqual(usedBytes);
    }
  });

  it.each([20_000, 24_576, 33_000, 60_000, 66_000, 90_000])(
    'that is above its limit overwrites a large value of %i bytes with one of the same size, or leaves it',
    (length) => {
      for (const spares of [0, 1, 2, 3, 4, 5, 6]) {
        const store = aboveItsLimit(length, spares);
        const { usedBytes } = store.budget;
        expect(usedBytes).toBeGreaterThan(store.budget.limitBytes);
        for (const from of [1, 2, 3]) {
          const value = stringValue(variedText(length, from));
          expect(store.write(write('key', value), NOW).status).toBe('written');
          expectValue(store, 'key', value);
          expect(store.budget.usedBytes).toBeLessThanOrEqual(usedBytes);
        }
        // Another last chunk, and a chunk or two more: there may be room for them or not.
        for (const more of [-900, 900, 8000, 16_000]) {
          const before = store.get(placed('key'), NOW);
          const value = stringValue(variedText(length + more, length));
          const { status } = store.write(write('key', value), NOW);
          if (status === 'written') expectValue(store, 'key', value);
          else expect(store.get(placed('key'), NOW)).toEqual(before);
        }
      }
    },
  );

  it('overwrites a large value with a larger one where that fits in its place', () => {
    const store = open(2 * MIB);
    store.write(write('key', 'v'.repeat(1_000_000)), NOW);
    // Beside the one before, it would not fit.
    const value = stringValue(variedText(1_500_000));
    expect(store.write(write('key', value), NOW).status).toBe('written');
    expectValue(store, 'key', value);
  });

  it.each(EVICTIONS.filter((eviction) => eviction !== 'none'))(
    'evicts no more than has to go for a large value (%s)',
    (eviction) => {
      const store = new PairStore(4 * MIB, eviction, [1, 2]);
      const keys = numbered(30_000);
      for (const key of keys) store.write(write(key, 'v'.repeat(100)), NOW);
      const before = countOf(store);
      const value = stringValue(variedText(1_000_000));
      expect(store.write(write('large', value), NOW).status).toBe('written');
      expectValue(store, 'large', value);
      // A pair takes some 160 bytes, and moving them together leaves little room unused.
      expect(before - countOf(store)).toBeGreaterThan(4000);
      expect(before - countOf(store)).toBeLessThan(9000);
      const held = countOf(store);
      expect(store.write(write('huge', 'v'.repeat(4 * MIB)), NOW)).toEqual({ status: 'out_of_memory' });
      expect(countOf(store)).toBe(held);
    },
  );

  it.each(EVICTIONS.filter((eviction) => eviction !== 'none'))(
    'overwrites a large value with a larger one for which it must evict the former (%s)',
    (eviction) => {
      const store = new PairStore(4 * MIB, eviction, [1, 2]);
      store.write(write('key', 'v'.repeat(1_000_000)), NOW);
      for (const key of numbered(2300)) store.write(write(key, 'v'.repeat(1000)), NOW);
      const value = stringValue(variedText(2_500_000));
      expect(store.write(write('key', value), NOW).status).toBe('written');
      expectValue(store, 'key', value);
    },
  );
});

function open(maxBytes = 256 * MIB): PairStore {
  return new PairStore(maxBytes, 'none', [1, 2]);
}

/** Returns a store with the pair `key` above its limit, as after loading a snapshot. So many of its pages are empty. */
function aboveItsLimit(length: number, emptyPages: number): PairStore {
  const store = open(4 * MIB);
  store.budget.allowanceBytes = MIB;
  // Each of these, and the last chunk of the large value, is alone in its page.
  const alone = [100, 300, 500, 1500, 2000, 4000].slice(0, emptyPages);
  for (const bytes of alone) store.write(write(`alone-${bytes}`, 'v'.repeat(bytes)), NOW);
  store.write(write('key', 'v'.repeat(length)), NOW);
  for (let i = 0; store.write(write(`more-${i}`, 'v'.repeat(3000)), NOW).status === 'written'; i++);
  store.budget.allowanceBytes = 0;
  for (const bytes of alone) store.delete(removal(`alone-${bytes}`), NOW);
  return store;
}

function countOf(store: PairStore): number {
  return store.partition(PARTITION)?.pairCount ?? 0;
}

function expectValue(store: PairStore, key: Parameters<typeof placed>[0], value: Value): void {
  const outcome = store.get(placed(key), NOW);
  const isAsWritten = outcome?.status === 'found' && outcome.value.data === value.data;
  // Comparing is quick, and telling a difference is not.
  if (!isAsWritten || outcome.value.encoding !== value.encoding)
    expect(outcome).toMatchObject({ status: 'found', value });
}

function linesOf(scan: JsonScan): string[] {
  const chunks: Uint8Array[] = [];
  for (const chunk of scan.chunks([PARTITION])) if (chunk !== undefined) chunks.push(Uint8Array.from(chunk));
  return Buffer.concat(chunks).toString().trim().split('\n');
}
