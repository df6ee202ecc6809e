import type { NodeOperations } from '@kvs/node-link';
import { OrderedOperations, type ExclusiveOperations } from '@kvs/protocol';
import type { Operations } from './cluster/current-operations.js';

/**
 * The operations that links, HTTP and Redis clients of this node use. While one caller has keys for itself, calls of all others on
 * these keys wait. If no call is in flight, a call that is answered at once is not noted.
 */
export class SharedOperations implements Operations, NodeOperations, ExclusiveOperations {
  readonly #operations: Operations;
  readonly #ordered: OrderedOperations;

  constructor(operations: Operations) {
    this.#operations = operations;
    this.#ordered = new OrderedOperations(operations);
  }

  readonly set: Operations['set'] = (items, partitions, epoch) =>
    this.#ordered.run(
      () => items.map(({ key }) => key),
      () => this.#operations.set(items, partitions, epoch),
    );

  readonly fetch: Operations['fetch'] = (keys, maxBytes, partitions, epoch) =>
    this.#ordered.run(
      () => keys,
      () => this.#operations.fetch(keys, maxBytes, partitions, epoch),
    );

  readonly query: Operations['query'] = (keys, partitions, epoch) =>
    this.#ordered.run(
      () => keys,
      () => this.#operations.query(keys, partitions, epoch),
    );

  readonly delete: Operations['delete'] = (items, partitions, epoch) =>
    this.#ordered.run(
      () => items.map(({ key }) => key),
      () => this.#operations.delete(items, partitions, epoch),
    );

  readonly scan: Operations['scan'] = (request) => this.#operations.scan(request);

  readonly scanLines: Operations['scanLines'] = (request, epoch) =>
    this.#operations.scanLines(request, epoch);

  readonly stats: Operations['stats'] = () => this.#operations.stats();

  readonly exclusively: ExclusiveOperations['exclusively'] = (keys, run) =>
    this.#ordered.exclusively(keys, run);
}
