import fc from 'fast-check';
import type { EnginePair, EngineWrite } from '@kvs/kv-store';
import { ManualClock } from '@kvs/kv-store/testing';
import { keyId, stringKey, stringValue, binaryKey, type KeyId } from '@kvs/protocol';
import { Environment } from './environment.js';
import { HEAD_BYTES, isLong, LONG_KEY_BYTES, storedKey } from './key-codec.js';
import { PairTable } from './pair-table.js';
import { PartitionReader } from './partition-reader.js';
import { scratchDirectory } from '../test/scratch-directory.js';

const PARTITION = 7;

/** Few keys, all around the length at which keys become long, many with the same head. */
const ids = fc
  .tuple(
    fc.constantFrom('s', 'b'),
    fc.constantFrom('a', 'b'),
    fc.constantFrom(1, HEAD_BYTES, LONG_KEY_BYTES - 5, LONG_KEY_BYTES - 4, LONG_KEY_BYTES - 3, 4090),
    fc.constantFrom('', '1', '2', '3', '\u00e9', '日'),
  )
  .map(([tag, letter, count, end]): KeyId => {
    const text = letter.repeat(count) + end;
    return tag === 's' ? keyId(stringKey(text)) : keyId(binaryKey(Buffer.from(text)));
  });

const actions = fc.array(
  fc.record({ id: ids, value: fc.option(fc.string({ unit: 'grapheme', maxLength: 5 })) }),
  { minLength: 20, maxLength: 60 },
);

it('long keys are as distinct as short ones, and found by prefix', async () => {
  const prefixes = fc.tuple(ids, fc.nat(4100)).map(([id, length]) => id.slice(0, 1 + length));
  await fc.assert(
    fc.asyncProperty(actions, fc.array(prefixes, { minLength: 3, maxLength: 5 }), async (todo, wanted) => {
      const scratch = scratchDirectory();
      const environment = new Environment(scratch.path, 'commit', undefined);
      try {
        const table = new PairTable(environment, new ManualClock());
        const model = new Map<KeyId, string>();
        for (const { id, value } of todo) apply(environment, table, model, id, value);
        for (const { id } of todo) {
          expect(table.get({ id, partition: PARTITION })?.value.data).toBe(model.get(id));
        }
        for (const prefix of ['', 's', 'b', ...wanted]) {
          const found = readAll(new PartitionReader(environment.pairs, PARTITION, prefix));
          const expected = [...model].filter(([id]) => id.startsWith(prefix));
          expect(new Map(found.map(({ id, value }) => [id, value.data]))).toEqual(new Map(expected));
          expect(found.length).toBe(expected.length);
        }
      } finally {
        await environment.close();
        scratch.remove();
      }
    }),
    { numRuns: 40 },
  );
});

it('no short key has the stored form of a long one', () => {
  const stored = storedKey(PARTITION, keyId(stringKey('a'.repeat(4000))));
  expect(stored.length).toBe(LONG_KEY_BYTES);
  // The very bytes of a long key's stored form, as a key.
  const lookalike = keyId(binaryKey(stored.subarray(3)));
  const other = storedKey(PARTITION, lookalike);
  expect(isLong(other)).toBe(true);
  expect(other.equals(stored)).toBe(false);
});

function apply(
  environment: Environment,
  table: PairTable,
  model: Map<KeyId, string>,
  id: KeyId,
  value: string | null,
): void {
  const item = { id, partition: PARTITION, ifVersion: undefined };
  environment.transact(() => {
    if (value === null) table.delete(item);
    else table.write({ ...item, value: stringValue(value), expiresAtMs: undefined } satisfies EngineWrite);
  });
  if (value === null) model.delete(id);
  else model.set(id, value);
}

function readAll(reader: PartitionReader): EnginePair[] {
  const pairs: EnginePair[] = [];
  while (!reader.isDone) pairs.push(...reader.nextChunk(1));
  return pairs;
}
