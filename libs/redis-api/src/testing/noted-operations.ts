import type { DeleteItem, Key, MaybePromise, SetItem } from '@kvs/protocol';
import { MapOperations } from '@kvs/protocol/testing';

/** Notes each batch, and answers it at once or when `hold` lets it. */
export class NotedOperations extends MapOperations {
  readonly batches: string[] = [];
  /** Delays the outcomes of each batch; undefined for none. */
  hold: (() => Promise<void>) | undefined;

  override set(items: readonly SetItem[]) {
    return this.#noted('set', items.map(keyOf), super.set(items));
  }

  override fetch(keys: readonly Key[]) {
    return this.#noted('fetch', keys, super.fetch(keys));
  }

  override query(keys: readonly Key[]) {
    return this.#noted('query', keys, super.query(keys));
  }

  override delete(items: readonly DeleteItem[]) {
    return this.#noted('delete', items.map(keyOf), super.delete(items));
  }

  #noted<T>(operation: string, keys: readonly Key[], outcomes: MaybePromise<T>): MaybePromise<T> {
    this.batches.push(`${operation} ${keys.map(({ data }) => data).join(' ')}`);
    return this.hold === undefined ? outcomes : this.hold().then(() => outcomes);
  }
}

function keyOf({ key }: { readonly key: Key }): Key {
  return key;
}
