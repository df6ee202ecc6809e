import type { Key, Value } from './key.js';
import { whenDone, type MaybePromise } from './maybe-promise.js';
import type {
  DeleteOutcome,
  Entry,
  Expiry,
  ItemFailure,
  KeyValueOperations,
  SetOutcome,
} from './operations.js';

/** The new state of a pair after an update, and the result for the caller. */
export type Change<R> = { readonly result: R } & (
  { readonly kind: 'keep' } | { readonly kind: 'delete' } | ({ readonly kind: 'write' } & NewPair)
);

/** A value, and when it expires. */
export type NewPair = Expiry & { readonly value: Value };

/** Returns what to make of the present pair; null stands for an absent key. May be called several times. */
export type MakeChange<R> = (entry: Entry | null) => Change<R>;

/** The answer of an update for one item. */
export type UpdateOutcome<R> =
  | {
      readonly ok: true;
      readonly result: R;
      /** The version of the pair that was written. */
      readonly version?: number;
    }
  | ItemFailure;

/**
 * Reads the pair of a key, and writes what `change` makes of it, if nobody else has written the pair in between. Otherwise
 * it tries again. So an update is atomic on every engine.
 *
 * @returns `overloaded` if others wrote the pair in between {@link MAX_ATTEMPTS} times
 * @throws what `change` throws
 */
export function update<R>(
  operations: Pick<KeyValueOperations, 'fetch' | 'set' | 'delete'>,
  key: Key,
  change: MakeChange<R>,
): MaybePromise<UpdateOutcome<R>> {
  const attempt = (left: number): MaybePromise<UpdateOutcome<R>> =>
    whenDone(operations.fetch([key]), (fetched) => {
      const read = only(fetched);
      if (!read.ok) return read;
      const { entry } = read;
      const made = change(entry);
      const { result } = made;
      if (made.kind === 'keep' || (made.kind === 'delete' && entry === null)) return { ok: true, result };
      return whenDone(write(operations, key, made, entry?.version ?? 0), (written) => {
        if (written.ok)
          return { ok: true, result, ...('version' in written && { version: written.version }) };
        if (written.code !== 'version_mismatch') return written;
        return left > 1 ? attempt(left - 1) : TOO_BUSY;
      });
    });
  return attempt(MAX_ATTEMPTS);
}

/** How often an update is tried. Each time that it fails, another one was done. */
export const MAX_ATTEMPTS = 100;

/** Returns the time to live of a pair as it is. A change that only writes another value passes it on. */
export function lifeOf(entry: Entry | null): Pick<NewPair, 'expiresAtMs'> | undefined {
  return entry?.expiresAtMs === undefined ? undefined : { expiresAtMs: entry.expiresAtMs };
}

function write<R>(
  operations: Pick<KeyValueOperations, 'set' | 'delete'>,
  key: Key,
  change: Exclude<Change<R>, { readonly kind: 'keep' }>,
  ifVersion: number,
): MaybePromise<SetOutcome | DeleteOutcome> {
  if (change.kind === 'delete') return whenDone(operations.delete([{ key, ifVersion }]), only<DeleteOutcome>);
  const { value, ttlMs, expiresAtMs } = change;
  const life = ttlMs === undefined ? (expiresAtMs === undefined ? undefined : { expiresAtMs }) : { ttlMs };
  return whenDone(operations.set([{ key, value, ifVersion, ...life }]), only<SetOutcome>);
}

function only<O>(outcomes: readonly O[]): O {
  const [outcome] = outcomes;
  if (outcome === undefined) throw new TypeError('a batch has one outcome for each item');
  return outcome;
}

const TOO_BUSY: ItemFailure = { ok: false, code: 'overloaded', message: 'the key changes too often' };
