import { whenDone, type Key, type MaybePromise } from '@kvs/protocol';
import { settle } from '../settle.js';
import { inSlices } from '../time-slices.js';
import { FetchCount, unitsOf } from './fetch-count.js';
import { entryOf, type Keyspace } from './keyspace.js';
import { BATCHES } from './single-call.js';

/**
 * Returns the version of each of the keys, 0 for an absent one. A version comes with its value, so few bytes are fetched at a
 * time: no sizes of values make an answer too large.
 */
export function fetchVersions(keyspace: Keyspace, keys: readonly Key[]): MaybePromise<readonly number[]> {
  const count = new FetchCount(MAX_KEYS);
  const versions: number[] = [];
  function* batches(): Generator<readonly Key[]> {
    while (versions.length < keys.length) yield keys.slice(versions.length, versions.length + count.value);
  }
  const done = inSlices(batches(), (batch) =>
    settle(
      () => BATCHES.fetch(keyspace, batch),
      (outcomes) => {
        versions.push(...batch.map((_, i) => entryOf(outcomes[i])?.version ?? 0));
        count.raiseAfter(batch.length, unitsOf(outcomes));
      },
      (error) => {
        // The next batch begins with the same key.
        if (!count.lowerAfter(error, batch.length)) throw error;
      },
    ),
  );
  return whenDone(done, () => versions);
}

/** How many keys are fetched at once. Values of 4 KiB on average then fit into one answer. */
const MAX_KEYS = 1024;
