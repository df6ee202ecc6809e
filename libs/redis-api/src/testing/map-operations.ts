import {
  keyId,
  type DeleteItem,
  type DeleteOutcome,
  type FetchOutcome,
  type Key,
  type KeyValueOperations,
  type MaybePromise,
  type QueryOutcome,
  type SetItem,
  type SetOutcome,
  type Value,
} from '@kvs/protocol';

/** Operations over a map, without scans, conditions and times to live. Notes each batch, and answers it at once or when `hold` lets it. */
export class MapOperations implements KeyValueOperations {
  readonly batches: string[] = [];
  /** Delays the outcomes of each batch; undefined for none. */
  hold: (() => Promise<void>) | undefined;
  readonly #values = new Map<string, Value>();

  set(items: readonly SetItem[]): MaybePromise<readonly SetOutcome[]> {
    this.batches.push(`set ${items.map(({ key }) => key.data).join(' ')}`);
    for (const { key, value } of items) this.#values.set(keyId(key), value);
    return this.#later(items.map(() => ({ ok: true, version: 1, created: true })));
  }

  fetch(keys: readonly Key[]): MaybePromise<readonly FetchOutcome[]> {
    this.batches.push(`fetch ${keys.map(({ data }) => data).join(' ')}`);
    return this.#later(
      keys.map((key) => {
        const value = this.#values.get(keyId(key));
        return { ok: true, entry: value === undefined ? null : { value, version: 1 } };
      }),
    );
  }

  query(keys: readonly Key[]): MaybePromise<readonly QueryOutcome[]> {
    this.batches.push(`query ${keys.map(({ data }) => data).join(' ')}`);
    return this.#later(keys.map((key) => ({ ok: true, present: this.#values.has(keyId(key)) })));
  }

  delete(items: readonly DeleteItem[]): MaybePromise<readonly DeleteOutcome[]> {
    this.batches.push(`delete ${items.map(({ key }) => key.data).join(' ')}`);
    return this.#later(items.map(({ key }) => ({ ok: true, deleted: this.#values.delete(keyId(key)) })));
  }

  scan: KeyValueOperations['scan'] = () => {
    throw new TypeError('not used');
  };

  #later<T>(outcomes: T): MaybePromise<T> {
    return this.hold === undefined ? outcomes : this.hold().then(() => outcomes);
  }
}
