import {
  ALL_PARTITIONS,
  KvsError,
  update,
  whenDone,
  type DeleteItem,
  type DeleteOutcome,
  type Entry,
  type ExclusiveOperations,
  type ItemFailure,
  type Key,
  type KeyValueOperations,
  type Limits,
  type MakeChange,
  type MaybePromise,
  type PairLines,
  type QueryOutcome,
  type SetItem,
  type SetOutcome,
  type Value,
} from '@kvs/protocol';
import { afterWrite, itemError, ranInPart } from '../failures.js';
import { keyOf, listedBytes, valueOf } from './data.js';
import { pairCounts, pairKeys } from './pair-keys.js';

export interface KeyspaceOptions {
  readonly operations: ExclusiveOperations;
  readonly limits: Limits;
  /** Returns the partitions whose keys SCAN lists, in ascending order. Default: all. */
  readonly partitions?: () => readonly number[];
}

/** A part of all keys. */
export interface KeysPage {
  readonly keys: readonly Key[];
  /** The partition at which the next page begins; undefined after the last page. */
  readonly next: number | undefined;
}

/**
 * The pairs of a server as its commands see them. A method throws or rejects with the error of the first item that failed.
 * All commands of a process use one keyspace, or those that its `exclusively` gives.
 */
export class Keyspace {
  /** The operations of this keyspace. Single calls go here directly. */
  readonly operations: KeyValueOperations;
  readonly limits: Limits;
  readonly #options: KeyspaceOptions;
  readonly #isExclusive: boolean;

  /** @param exclusive operations to use instead, on keys that the caller has for itself */
  constructor(options: KeyspaceOptions, exclusive?: KeyValueOperations) {
    this.#options = options;
    this.limits = options.limits;
    this.#isExclusive = exclusive !== undefined;
    this.operations = exclusive ?? options.operations;
  }

  /** @throws KvsError `empty_key`, `key_too_long` */
  key(bytes: Buffer): Key {
    return keyOf(bytes, this.limits);
  }

  /** @throws RedisError if it is too large */
  value(bytes: Buffer): Value {
    return valueOf(bytes, this.limits);
  }

  get(key: Key): MaybePromise<Entry | null> {
    return whenDone(this.operations.fetch([key]), ([outcome]) => entryOf(outcome));
  }

  getAll(keys: readonly Key[]): MaybePromise<readonly (Entry | null)[]> {
    const answer = this.operations.fetch(keys, this.limits.maxAnswerBytes);
    return whenDone(answer, (outcomes) => outcomes.map(entryOf));
  }

  /** Returns whether each of the keys is present. */
  has(keys: readonly Key[]): MaybePromise<readonly boolean[]> {
    return whenDone(this.operations.query(keys), (outcomes) => outcomes.map(isPresent));
  }

  set(items: readonly SetItem[]): MaybePromise<void> {
    return whenDone(this.operations.set(items), (outcomes) => {
      checkBatch(
        outcomes,
        outcomes.some(({ ok }) => ok),
      );
    });
  }

  /** Writes a pair, and returns whether its condition held. */
  setIf(item: SetItem): MaybePromise<boolean> {
    return whenDone(this.operations.set([item]), ([outcome]) => wasMet(outcome));
  }

  /** Returns how many pairs were there. */
  delete(keys: readonly Key[]): MaybePromise<number> {
    const answer = this.operations.delete(keys.map((key) => ({ key })));
    return whenDone(answer, (outcomes) => {
      const count = outcomes.filter((outcome) => outcome.ok && outcome.deleted).length;
      checkBatch(outcomes, count > 0);
      return count;
    });
  }

  /** Deletes a pair if it has this version. Returns whether it had. */
  deleteIf(key: Key, ifVersion: number): MaybePromise<boolean> {
    return whenDone(this.operations.delete([{ key, ifVersion }]), ([outcome]) => wasMet(outcome));
  }

  /**
   * Writes pairs unless one of their keys is taken, and returns whether it did. Others may see some of them meanwhile. If a write
   * fails, none of them stays, or the error says that some may have.
   */
  setAllIfAbsent(items: readonly SetItem[]): MaybePromise<boolean> {
    const conditional = items.map((item) => ({ ...item, ifVersion: 0 }));
    return whenDone(this.operations.set(conditional), (outcomes) => {
      if (outcomes.every(({ ok }) => ok)) return true;
      return whenDone(this.undo(items, outcomes), () => {
        checkBatch(outcomes, false);
        return false;
      });
    });
  }

  /** Writes what `change` makes of the pair, as if nobody else wrote meanwhile, and returns its result. */
  update<R>(key: Key, change: MakeChange<R>): MaybePromise<R> {
    return this.exclusively([key], ({ operations }) =>
      whenDone(update(operations, key, change), (outcome) => done(outcome).result),
    );
  }

  /**
   * Runs something while nothing else uses the keys through the operations of this process.
   *
   * @param run gets a keyspace to be used for these keys only
   */
  exclusively<T>(keys: readonly Key[], run: (keyspace: Keyspace) => MaybePromise<T>): MaybePromise<T> {
    if (this.#isExclusive) return run(this);
    return this.#options.operations.exclusively(keys, (operations) => run(this.over(operations)));
  }

  /** Returns this keyspace over other operations. The caller must have the keys for itself. */
  over(operations: KeyValueOperations): Keyspace {
    return new Keyspace(this.#options, operations);
  }

  /**
   * Returns keys of some partitions: from the given one on, until `count` keys were read. A page ends with a partition. Reads wider
   * and wider ranges of partitions, so few more keys are read than asked for. A page ends before a range whose keys are too large
   * together.
   *
   * @param select returns those of the keys that the page has
   * @throws KvsError `answer_too_large` if such keys of the first partition are too large
   */
  async page(
    from: number,
    count: number,
    select: (keys: readonly Key[]) => MaybePromise<readonly Key[]>,
  ): Promise<KeysPage> {
    const partitions = this.#partitions().filter((partition) => partition >= from);
    const { maxAnswerBytes } = this.limits;
    const keys: Key[] = [];
    let readCount = 0;
    let bytes = 0;
    let end = 0;
    for (let width = 1; end < partitions.length && readCount < count; width *= 4) {
      const wholeCount = keys.length;
      for await (const some of this.#scan(partitions.slice(end, end + width), pairKeys)) {
        readCount += some.length;
        const selected = await select(some);
        for (const key of selected) bytes += listedBytes(key);
        if (bytes > maxAnswerBytes && end === 0)
          throw new KvsError(
            'answer_too_large',
            `the keys of one partition take more than ${maxAnswerBytes} bytes; ask for some with MATCH`,
          );
        if (bytes > maxAnswerBytes) return { keys: keys.slice(0, wholeCount), next: partitions[end] };
        keys.push(...selected);
      }
      end += width;
    }
    return { keys, next: partitions[end] };
  }

  /** Yields all keys, in arrays of bounded size. */
  allKeys(): AsyncIterable<readonly Key[]> {
    return this.#scan(this.#partitions(), pairKeys);
  }

  /** Returns how many keys there are. O(number of keys). */
  async count(): Promise<number> {
    let count = 0;
    for await (const some of this.#scan(this.#partitions(), pairCounts)) count += some;
    return count;
  }

  /**
   * Deletes the pairs that a batch has written to absent keys. A pair that somebody else has replaced is gone too.
   *
   * @throws RedisError `MAYBEAPPLIED` if one may stay
   */
  undo(items: readonly SetItem[], outcomes: readonly SetOutcome[]): MaybePromise<void> {
    const written = items.flatMap(({ key }, i): readonly DeleteItem[] => {
      const outcome = outcomes[i];
      return outcome?.ok === true ? [{ key, ifVersion: outcome.version }] : [];
    });
    if (written.length === 0) return;
    return afterWrite(() =>
      whenDone(this.operations.delete(written), (outcomes) => {
        checkBatch(outcomes, false);
      }),
    );
  }

  #partitions(): readonly number[] {
    return this.#options.partitions?.() ?? ALL_PARTITIONS;
  }

  /** Returns all keys of one partition. */
  keysOf(partition: number): AsyncIterable<readonly Key[]> {
    return this.#scan([partition], pairKeys);
  }

  async *#scan<T>(
    partitions: readonly number[],
    read: (lines: PairLines) => AsyncIterable<T>,
  ): AsyncGenerator<T, void, undefined> {
    if (partitions.length === 0) return;
    const answer = await this.operations.scan({ partitions, meta: false, values: false, partial: false });
    try {
      yield* read(answer.lines);
    } finally {
      answer.close();
    }
  }
}

/**
 * Returns the pair that was fetched; null if the key is absent.
 *
 * @throws RedisError
 */
export function entryOf(
  outcome: { readonly ok: true; readonly entry: Entry | null } | ItemFailure | undefined,
): Entry | null {
  return done(outcome).entry;
}

/** @throws RedisError */
export function isPresent(outcome: QueryOutcome | undefined): boolean {
  return done(outcome).present;
}

/**
 * Returns whether the pair was there.
 *
 * @throws RedisError
 */
export function wasDeleted(outcome: DeleteOutcome | undefined): boolean {
  return done(outcome).deleted;
}

/**
 * Returns whether the condition of a write or a delete held.
 *
 * @throws RedisError if it failed for another reason
 */
export function wasMet(outcome: SetOutcome | DeleteOutcome | undefined): boolean {
  if (outcome?.ok === false && outcome.code === 'version_mismatch') return false;
  return done(outcome).ok;
}

/**
 * Checks that no item of a batch failed, but for a condition that did not hold.
 *
 * @param hasWritten whether another item was applied and stays
 * @throws RedisError of the first item that may have been applied, or else of the first that failed
 */
function checkBatch(outcomes: readonly ({ readonly ok: true } | ItemFailure)[], hasWritten: boolean): void {
  const failures = outcomes
    .filter((outcome) => !outcome.ok)
    .filter(({ code }) => code !== 'version_mismatch');
  const failure = failures.find(({ maybeApplied }) => maybeApplied) ?? failures[0];
  if (failure === undefined) return;
  const error = itemError(failure);
  throw hasWritten ? ranInPart(error) : error;
}

/** @throws RedisError */
function done<O extends { readonly ok: true }>(outcome: O | ItemFailure | undefined): O {
  if (outcome === undefined) throw new TypeError('a batch has one outcome for each item');
  if (!outcome.ok) throw itemError(outcome);
  return outcome;
}
