import {
  KvsError,
  MaybeAppliedError,
  exclusiveUpdate,
  type Entry,
  type ExclusiveOperations,
  type ItemFailure,
  type Key,
  type KeyValueOperations,
  type MakeChange,
  type SetOutcome,
  type Value,
} from '@kvs/protocol';
import type { Precondition, Predicate } from './preconditions.js';

/** The result of a write. */
export type Written = Extract<SetOutcome, { readonly ok: true }>;

/** Operations on one key. They throw failures instead of returning them. */
export class SingleKey {
  readonly #operations: KeyValueOperations;
  readonly #exclusiveOperations: ExclusiveOperations;
  readonly #key: Key;

  /** @param exclusiveOperations the same operations, for updates. Other calls don't wait for those. */
  constructor(operations: KeyValueOperations, exclusiveOperations: ExclusiveOperations, key: Key) {
    this.#operations = operations;
    this.#exclusiveOperations = exclusiveOperations;
    this.#key = key;
  }

  async read(): Promise<Entry | null> {
    const [outcome] = await this.#operations.fetch([this.#key]);
    return succeed(outcome).entry;
  }

  async write(value: Value, ttlMs: number | undefined, precondition: Precondition): Promise<Written> {
    const pair = ttlMs === undefined ? { value } : { value, ttlMs };
    if (!('holds' in precondition)) {
      const [outcome] = await this.#operations.set([{ key: this.#key, ...pair, ...precondition }]);
      return succeed(outcome);
    }
    const change: MakeChange<boolean> = (entry) => ({ kind: 'write', ...pair, result: entry === null });
    const { version, result: created } = await this.#updateIf(precondition, change);
    if (version === undefined) throw new TypeError('a write has a version');
    return { ok: true, version, created };
  }

  /** Removes the key. Returns whether it was present. */
  async remove(precondition: Precondition): Promise<boolean> {
    if (!('holds' in precondition)) {
      const [outcome] = await this.#operations.delete([{ key: this.#key, ...precondition }]);
      return succeed(outcome).deleted;
    }
    const change: MakeChange<boolean> = (entry) => ({ kind: 'delete', result: entry !== null });
    return (await this.#updateIf(precondition, change)).result;
  }

  /** Updates the key if a precondition holds that the store can't check. */
  async #updateIf<R>({ holds }: Predicate, change: MakeChange<R>) {
    const outcome = await exclusiveUpdate(this.#exclusiveOperations, this.#key, (entry) => {
      if (!holds(entry?.version ?? 0)) throw preconditionFailed('the precondition does not hold');
      return change(entry);
    });
    return succeed(outcome);
  }
}

function succeed<T extends { readonly ok: true }>(outcome: T | ItemFailure | undefined): T {
  if (outcome === undefined) throw new TypeError('an item has no outcome');
  if (outcome.ok) return outcome;
  if (outcome.code === 'version_mismatch') throw preconditionFailed(outcome.message);
  if (outcome.maybeApplied) throw new MaybeAppliedError(outcome.code, outcome.message);
  throw new KvsError(outcome.code, outcome.message);
}

function preconditionFailed(detail: string): KvsError {
  return new KvsError('precondition_failed', detail);
}
