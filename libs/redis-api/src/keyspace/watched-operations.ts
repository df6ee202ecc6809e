import {
  keyId,
  whenDone,
  type DeleteItem,
  type DeleteOutcome,
  type FetchOutcome,
  type ItemFailure,
  type Key,
  type KeyId,
  type KeyValueOperations,
  type MaybePromise,
  type QueryOutcome,
  type ScanAnswer,
  type ScanRequest,
  type SetItem,
  type SetOutcome,
} from '@kvs/protocol';
import { RedisError } from '../reply.js';
import { settle } from '../settle.js';
import { fetchVersions } from './fetch-versions.js';
import type { Keyspace } from './keyspace.js';

/** Somebody else wrote a watched key after the transaction began. */
export class WatchedKeyChanged extends Error {
  override readonly name = 'WatchedKeyChanged';
}

/**
 * The operations of a transaction that watches keys. Until the transaction writes a watched key, it reads only the version that
 * was watched, and its write needs that version. So it never replaces what somebody else wrote meanwhile: then a method throws,
 * or rejects with, {@link WatchedKeyChanged}. A batch must not have the same key twice.
 */
export class WatchedOperations implements KeyValueOperations {
  readonly #keyspace: Keyspace;
  readonly #operations: KeyValueOperations;
  /** Of the watched keys that the transaction has not written; 0 for an absent key. */
  readonly #versions: Map<KeyId, number>;
  #hasWritten = false;

  /** @param keyspace on which the caller runs the transaction */
  constructor(keyspace: Keyspace, watched: ReadonlyMap<KeyId, number>) {
    this.#keyspace = keyspace;
    this.#operations = keyspace.operations;
    this.#versions = new Map(watched);
  }

  /** Whether something was written, or may have been. */
  get hasWritten(): boolean {
    return this.#hasWritten;
  }

  /** If all keys must be absent and a watched one has changed, none of the pairs stays, or {@link hasWritten} is true. */
  set(items: readonly SetItem[]): MaybePromise<readonly SetOutcome[]> {
    const mustBeAbsent = items.every(({ ifVersion }) => ifVersion === 0);
    return this.#write(
      items,
      (conditional) => this.#operations.set(conditional),
      (outcomes) => mustBeAbsent && this.#undo(items, outcomes),
    );
  }

  delete(items: readonly DeleteItem[]): MaybePromise<readonly DeleteOutcome[]> {
    return this.#write(
      items,
      (conditional) => this.#operations.delete(conditional),
      () => false,
    );
  }

  fetch(keys: readonly Key[], maxBytes?: number): MaybePromise<readonly FetchOutcome[]> {
    return whenDone(this.#operations.fetch(keys, maxBytes), (outcomes) => {
      keys.forEach((key, i) => {
        const outcome = outcomes[i];
        if (outcome?.ok) this.#check(key, outcome.entry?.version ?? 0);
      });
      return outcomes;
    });
  }

  /**
   * Presence alone doesn't show that a pair was replaced. A pair that still has its version afterwards also had it when it was
   * looked for. An absent key could have had a pair just then, which its presence shows.
   */
  query(keys: readonly Key[]): MaybePromise<readonly QueryOutcome[]> {
    return whenDone(this.#operations.query(keys), (outcomes) => {
      keys.forEach((key, i) => {
        const outcome = outcomes[i];
        const version = this.#versions.get(keyId(key));
        if (outcome?.ok && version !== undefined && outcome.present !== version > 0)
          throw new WatchedKeyChanged();
      });
      return whenDone(this.#checkAll(keys), () => outcomes);
    });
  }

  scan(request: ScanRequest & { readonly partial: boolean }): Promise<ScanAnswer> {
    return this.#operations.scan(request);
  }

  /**
   * If a condition is about another version than the watched one, it can't hold, and nothing of the batch is written.
   *
   * @param undo returns whether nothing stays of a batch that found a changed key
   */
  #write<I extends SetItem | DeleteItem, O extends { readonly ok: true } | ItemFailure>(
    items: readonly I[],
    write: (items: readonly I[]) => MaybePromise<readonly O[]>,
    undo: (outcomes: readonly O[]) => MaybePromise<boolean>,
  ): MaybePromise<readonly (O | ItemFailure)[]> {
    const conditional = items.map((item) => {
      const ifVersion = item.ifVersion ?? this.#versions.get(keyId(item.key));
      return ifVersion === undefined ? item : { ...item, ifVersion };
    });
    const isVain = conditional.some(
      ({ key, ifVersion }) => ifVersion !== (this.#versions.get(keyId(key)) ?? ifVersion),
    );
    if (isVain) return whenDone(this.#checkAll(items.map(({ key }) => key)), () => items.map(() => MISMATCH));
    return whenDone(write(conditional), (outcomes) => {
      const isFirst = !this.#hasWritten;
      if (!this.#noteWritten(items, outcomes)) return outcomes;
      return whenDone(undo(outcomes), (isUndone) => {
        if (isFirst && isUndone) this.#hasWritten = false;
        throw new WatchedKeyChanged();
      });
    });
  }

  /** Returns whether somebody else has written a watched key of a batch. */
  #noteWritten(
    items: readonly (SetItem | DeleteItem)[],
    outcomes: readonly ({ readonly ok: true } | ItemFailure)[],
  ): boolean {
    let isChanged = false;
    items.forEach(({ key }, i) => {
      const outcome = outcomes[i];
      if (outcome === undefined) return;
      if (outcome.ok || outcome.maybeApplied) {
        this.#hasWritten = true;
        this.#versions.delete(keyId(key));
      } else if (outcome.code === 'version_mismatch' && this.#versions.has(keyId(key))) isChanged = true;
    });
    return isChanged;
  }

  /** Returns whether no pair of a batch stays that was written to absent keys. */
  #undo(items: readonly SetItem[], outcomes: readonly SetOutcome[]): MaybePromise<boolean> {
    return settle(
      () => this.#keyspace.undo(items, outcomes),
      () => outcomes.every((outcome) => outcome.ok || !outcome.maybeApplied),
      (error) => {
        if (error instanceof RedisError) return false;
        throw error;
      },
    );
  }

  #checkAll(keys: readonly Key[]): MaybePromise<void> {
    const watched = keys.filter((key) => this.#versions.has(keyId(key)));
    return whenDone(fetchVersions(this.#keyspace, watched), (versions) =>
      watched.forEach((key, i) => this.#check(key, versions[i] ?? 0)),
    );
  }

  /** @throws WatchedKeyChanged */
  #check(key: Key, version: number): void {
    if (version !== (this.#versions.get(keyId(key)) ?? version)) throw new WatchedKeyChanged();
  }
}

const MISMATCH: ItemFailure = {
  ok: false,
  code: 'version_mismatch',
  message: 'the watched version is another one',
};
