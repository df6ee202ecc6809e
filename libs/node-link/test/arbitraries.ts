import fc from 'fast-check';
import {
  binaryKey,
  binaryValue,
  ERROR_CODES,
  MAX_TTL_MS,
  PARTITION_COUNT,
  stringKey,
  stringValue,
  type DeleteItem,
  type Entry,
  type ErrorCode,
  type ItemFailure,
  type Key,
  type SetItem,
  type Value,
} from '@kvs/protocol';
import type { Answer } from '../src/codec/answers.js';
import type { Batch } from '../src/batch.js';
import type { StreamRequest } from '../src/codec/streams.js';

/** Text of one byte to the character, and of more; frames of either kind, and of both. */
const text = fc.oneof(
  fc.string({ unit: 'binary-ascii' }),
  fc.constantFrom('é', '\u00ff', '😀', '日本', 'e\u0301'),
  fc.string({ unit: 'grapheme' }),
);

export const keys: fc.Arbitrary<Key> = fc.oneof(
  text.filter((data) => data !== '').map(stringKey),
  fc.uint8Array({ minLength: 1, maxLength: 20 }).map(binaryKey),
);

export const values: fc.Arbitrary<Value> = fc.oneof(
  text.map(stringValue),
  fc.uint8Array({ maxLength: 200 }).map(binaryValue),
);

const versions = fc.oneof(fc.nat(), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }));
const ttls = fc.integer({ min: 1, max: MAX_TTL_MS });

export const setItems: fc.Arbitrary<SetItem> = fc.oneof(
  fc.record(
    { key: keys, value: values, ttlMs: ttls, ifVersion: versions },
    { requiredKeys: ['key', 'value'], noNullPrototype: true },
  ),
  fc.record(
    { key: keys, value: values, expiresAtMs: versions, ifVersion: versions },
    { requiredKeys: ['key', 'value', 'expiresAtMs'], noNullPrototype: true },
  ),
);

export const deleteItems: fc.Arbitrary<DeleteItem> = fc.record(
  { key: keys, ifVersion: versions },
  { requiredKeys: ['key'], noNullPrototype: true },
);

const some = <T>(items: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.array(items, { minLength: 1, maxLength: 8 });

export const batches: fc.Arbitrary<Batch> = fc.oneof(
  some(setItems).map((items): Batch => ({ kind: 'set', items })),
  some(deleteItems).map((items): Batch => ({ kind: 'delete', items })),
  some(keys).map((items): Batch => ({ kind: 'fetch', items })),
  some(keys).map((items): Batch => ({ kind: 'query', items })),
);

/** Of fixed lists of nodes, and of topologies. */
export const epochs = fc.oneof(
  fc.constant(0),
  fc.nat(),
  fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
);

export const streamRequests: fc.Arbitrary<StreamRequest> = fc.oneof(
  fc.constant<StreamRequest>({ kind: 'stats' }),
  fc
    .record(
      {
        prefix: values,
        partitions: fc
          .uniqueArray(fc.nat(PARTITION_COUNT - 1), { maxLength: 20 })
          .map((partitions) => partitions.sort((one, other) => one - other)),
        meta: fc.boolean(),
        values: fc.constant(false),
        format: fc.constantFrom('lines', 'items'),
      },
      { requiredKeys: ['meta', 'format'], noNullPrototype: true },
    )
    .chain((scan) => epochs.map((epoch): StreamRequest => ({ kind: 'scan', scan, epoch }))),
);

/** Sizes of slabs so small that numbers fall on the end of one. */
export const slabs = fc.integer({ min: 10, max: 50 });

export const ids = fc.integer({ min: 0, max: 2 ** 32 - 1 });

const codes = fc.constantFrom(...Object.keys(ERROR_CODES)) as fc.Arbitrary<ErrorCode>;

const failures: fc.Arbitrary<ItemFailure> = fc.record(
  { ok: fc.constant(false as const), code: codes, message: text, maybeApplied: fc.constant(true as const) },
  { requiredKeys: ['ok', 'code', 'message'], noNullPrototype: true },
);

const entry = { value: values, version: versions.map((version) => Math.max(1, version)) };

const entries: fc.Arbitrary<Entry> = fc.oneof(
  fc.record(entry, { noNullPrototype: true }),
  fc.record({ ...entry, ttlMs: ttls, expiresAtMs: versions }, { noNullPrototype: true }),
);

const ok = true as const;

export const answers: fc.Arbitrary<Answer> = fc.oneof(
  fc.record({ id: ids, refusal: fc.record({ code: codes, message: text }) }),
  fc
    .tuple(
      ids,
      some(
        fc.oneof(
          failures,
          fc.tuple(entries, fc.boolean()).map(([{ version }, created]) => ({ ok, version, created })),
        ),
      ),
    )
    .map(([id, outcomes]): Answer => ({ id, kind: 'set', outcomes })),
  fc
    .tuple(
      ids,
      some(
        fc.oneof(
          failures,
          fc.option(entries).map((entry) => ({ ok, entry })),
        ),
      ),
    )
    .map(([id, outcomes]): Answer => ({ id, kind: 'fetch', outcomes })),
  fc
    .tuple(
      ids,
      some(
        fc.oneof(
          failures,
          fc.boolean().map((present) => ({ ok, present })),
        ),
      ),
    )
    .map(([id, outcomes]): Answer => ({ id, kind: 'query', outcomes })),
  fc
    .tuple(
      ids,
      some(
        fc.oneof(
          failures,
          fc.boolean().map((deleted) => ({ ok, deleted })),
        ),
      ),
    )
    .map(([id, outcomes]): Answer => ({ id, kind: 'delete', outcomes })),
);
