import type { NodeOperations } from '@kvs/node-link';
import {
  KeyOrder,
  type ExclusiveOperations,
  type Key,
  type KeyValueOperations,
  type MaybePromise,
} from '@kvs/protocol';
import type { Operations } from './cluster/current-operations.js';

/**
 * The operations that links, HTTP and Redis clients of this node use. While one caller has keys for itself, calls of all others on
 * these keys wait. If no call is in flight, a call that is answered at once is not noted.
 */
export class SharedOperations implements Operations, NodeOperations, ExclusiveOperations {
  readonly #operations: Operations;
  readonly #order = new KeyOrder();

  constructor(operations: Operations) {
    this.#operations = operations;
  }

  readonly set: Operations['set'] = (items, partitions, epoch) =>
    this.#run(
      () => items.map(keyOf),
      () => this.#operations.set(items, partitions, epoch),
    );

  readonly fetch: Operations['fetch'] = (keys, maxBytes, partitions, epoch) =>
    this.#run(
      () => keys,
      () => this.#operations.fetch(keys, maxBytes, partitions, epoch),
    );

  readonly query: Operations['query'] = (keys, partitions, epoch) =>
    this.#run(
      () => keys,
      () => this.#operations.query(keys, partitions, epoch),
    );

  readonly delete: Operations['delete'] = (items, partitions, epoch) =>
    this.#run(
      () => items.map(keyOf),
      () => this.#operations.delete(items, partitions, epoch),
    );

  readonly scan: Operations['scan'] = (request) => this.#operations.scan(request);

  readonly scanLines: Operations['scanLines'] = (request, epoch) =>
    this.#operations.scanLines(request, epoch);

  readonly stats: Operations['stats'] = () => this.#operations.stats();

  exclusively<T>(
    keys: readonly Key[],
    run: (operations: KeyValueOperations) => MaybePromise<T>,
  ): MaybePromise<T> {
    return this.#order.run(
      () => keys,
      true,
      () => run(this.#operations),
    );
  }

  #run<T>(keys: () => readonly Key[], call: () => MaybePromise<T>): MaybePromise<T> {
    return this.#order.run(keys, false, call);
  }
}

function keyOf({ key }: { readonly key: Key }): Key {
  return key;
}
