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
  readonly #operations: KeyValueOperations;
  /** Of the watched keys that the transaction has not written; 0 for an absent key. */
  readonly #versions: Map<KeyId, number>;
  #hasWritten = false;

  constructor(operations: KeyValueOperations, watched: ReadonlyMap<KeyId, number>) {
    this.#operations = operations;
    this.#versions = new Map(watched);
  }

  /** Whether something was written, or may have been. */
  get hasWritten(): boolean {
    return this.#hasWritten;
  }

  set(items: readonly SetItem[]): MaybePromise<readonly SetOutcome[]> {
    return this.#write(items, (conditional) => this.#operations.set(conditional));
  }

  delete(items: readonly DeleteItem[]): MaybePromise<readonly DeleteOutcome[]> {
    return this.#write(items, (conditional) => this.#operations.delete(conditional));
  }

  fetch(keys: readonly Key[], maxBytes?: number): MaybePromise<readonly FetchOutcome[]> {
    return whenDone(this.#operations.fetch(keys, maxBytes), (outcomes) => {
      keys.forEach((key, i) => {
        const version = this.#versions.get(keyId(key));
        const outcome = outcomes[i];
        if (version === undefined || !outcome?.ok) return;
        if ((outcome.entry?.version ?? 0) !== version) throw new WatchedKeyChanged();
      });
      return outcomes;
    });
  }

  query(keys: readonly Key[]): MaybePromise<readonly QueryOutcome[]> {
    return this.#operations.query(keys);
  }

  scan(request: ScanRequest & { readonly partial: boolean }): Promise<ScanAnswer> {
    return this.#operations.scan(request);
  }

  #write<I extends SetItem | DeleteItem, O extends { readonly ok: true } | ItemFailure>(
    items: readonly I[],
    write: (items: readonly I[]) => MaybePromise<readonly O[]>,
  ): MaybePromise<readonly O[]> {
    const conditional = items.map((item) => {
      const ifVersion = item.ifVersion ?? this.#versions.get(keyId(item.key));
      return ifVersion === undefined ? item : { ...item, ifVersion };
    });
    return whenDone(write(conditional), (outcomes) => {
      let isChanged = false;
      items.forEach(({ key, ifVersion }, i) => {
        const outcome = outcomes[i];
        if (outcome === undefined) return;
        if (outcome.ok || outcome.maybeApplied) {
          this.#hasWritten = true;
          this.#versions.delete(keyId(key));
        } else if (outcome.code === 'version_mismatch' && ifVersion === undefined) isChanged = true;
      });
      if (isChanged) throw new WatchedKeyChanged();
      return outcomes;
    });
  }
}
