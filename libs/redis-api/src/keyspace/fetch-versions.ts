import { KvsError, whenDone, type FetchOutcome, type Key, type MaybePromise } from '@kvs/protocol';
import { settle } from '../settle.js';
import { inTurns } from '../turns.js';
import { entryOf, type Keyspace } from './keyspace.js';
import { BATCHES } from './single-call.js';

/**
 * Returns the version of each of the keys, 0 for an absent one. A version comes with its value, so few bytes are fetched at a
 * time: no sizes of values make an answer too large.
 */
export function fetchVersions(keyspace: Keyspace, keys: readonly Key[]): MaybePromise<readonly number[]> {
  const count = Math.min(MAX_KEYS, keyspace.limits.maxBatchItems);
  const batches: (readonly Key[])[] = [];
  for (let at = 0; at < keys.length; at += count) batches.push(keys.slice(at, at + count));
  const versions: number[] = [];
  const done = inTurns(batches, (batch) => addVersions(keyspace, batch, versions));
  return whenDone(done, () => versions);
}

/** If the values are too large together, fetches half of them at a time. A single one has no limit. */
function addVersions(keyspace: Keyspace, keys: readonly Key[], versions: number[]): MaybePromise<void> {
  return whenDone(fetchIfSmall(keyspace, keys), (outcomes) => {
    if (outcomes === undefined) {
      const half = Math.ceil(keys.length / 2);
      const halves = [keys.slice(0, half), keys.slice(half)];
      return inTurns(halves, (each) => addVersions(keyspace, each, versions));
    }
    for (const outcome of outcomes) versions.push(entryOf(outcome)?.version ?? 0);
  });
}

/** Returns undefined if the values of several keys are too large together. */
function fetchIfSmall(
  keyspace: Keyspace,
  keys: readonly Key[],
): MaybePromise<readonly FetchOutcome[] | undefined> {
  return settle<readonly FetchOutcome[], readonly FetchOutcome[] | undefined>(
    () => BATCHES.fetch(keyspace, keys),
    (outcomes) => outcomes,
    (error) => {
      if (keys.length > 1 && error instanceof KvsError && error.code === 'answer_too_large') return undefined;
      throw error;
    },
  );
}

/** How many keys are fetched at once. Values of 4 KiB on average then fit into one answer. */
const MAX_KEYS = 1024;
