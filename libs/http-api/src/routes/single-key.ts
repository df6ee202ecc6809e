import {
  KvsError,
  type DeleteOutcome,
  type Entry,
  type ItemFailure,
  type Key,
  type SetOutcome,
  type Value,
} from '@kvs/protocol';
import type { KeyValueOperations } from '../tokens.js';
import type { Precondition } from './preconditions.js';

/** The result of a write. */
export type Written = Extract<SetOutcome, { readonly ok: true }>;

/** Operations on one key. They throw failures instead of returning them. */
export class SingleKey {
  readonly #operations: KeyValueOperations;
  readonly #key: Key;

  constructor(operations: KeyValueOperations, key: Key) {
    this.#operations = operations;
    this.#key = key;
  }

  async read(): Promise<Entry | null> {
    const [outcome] = await this.#operations.fetch([this.#key]);
    return succeed(outcome).entry;
  }

  async write(value: Value, ttlMs: number | undefined, precondition: Precondition): Promise<Written> {
    return this.#conditionally(precondition, async (condition): Promise<SetOutcome | undefined> => {
      const item = { key: this.#key, value, ...condition, ...(ttlMs === undefined ? undefined : { ttlMs }) };
      return (await this.#operations.set([item]))[0];
    });
  }

  /** Removes the key. Returns whether it was present. */
  async remove(precondition: Precondition): Promise<boolean> {
    const outcome = await this.#conditionally(
      precondition,
      async (condition): Promise<DeleteOutcome | undefined> => {
        return (await this.#operations.delete([{ key: this.#key, ...condition }]))[0];
      },
    );
    return outcome.deleted;
  }

  /**
   * Applies a write under a precondition. If the store can't check it, this method reads the version, checks it, and makes the
   * write conditional on that version, so that no other write comes in between.
   */
  async #conditionally<T extends { readonly ok: true }>(
    precondition: Precondition,
    apply: (condition: { ifVersion?: number }) => Promise<T | ItemFailure | undefined>,
  ): Promise<T> {
    if (precondition.kind === 'none') return succeed(await apply({}));
    if (precondition.kind === 'version') return succeed(await apply({ ifVersion: precondition.ifVersion }));
    for (let attempt = 1; ; attempt++) {
      const version = (await this.read())?.version ?? 0;
      if (!precondition.holds(version)) throw preconditionFailed('the precondition does not hold');
      const outcome = await apply({ ifVersion: version });
      const raced = outcome?.ok === false && outcome.code === 'version_mismatch';
      if (!raced || attempt === MAX_ATTEMPTS) return succeed(outcome);
    }
  }
}

/** Attempts of a write that other writes keep overtaking. */
const MAX_ATTEMPTS = 10;

function succeed<T extends { readonly ok: true }>(outcome: T | ItemFailure | undefined): T {
  if (outcome === undefined) throw new TypeError('an item has no outcome');
  if (outcome.ok) return outcome;
  if (outcome.code === 'version_mismatch') throw preconditionFailed(outcome.message);
  const doubt = outcome.maybeApplied ? '; the write may have been applied' : '';
  throw new KvsError(outcome.code, outcome.message + doubt);
}

function preconditionFailed(detail: string): KvsError {
  return new KvsError('precondition_failed', detail);
}
