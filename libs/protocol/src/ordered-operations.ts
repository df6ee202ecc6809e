import { KeyOrder } from './key-order.js';
import type { Key } from './key.js';
import type { MaybePromise } from './maybe-promise.js';
import type { KeyValueOperations } from './operations.js';
import { update, type MakeChange, type UpdateOutcome } from './update.js';

/** Operations whose callers can have keys for themselves. While a caller has a key, calls on that key wait. Scans don't wait. */
export interface ExclusiveOperations extends KeyValueOperations {
  /**
   * Runs something that needs some keys for itself.
   *
   * @param run gets operations that don't wait, for these keys only; calls to the object itself would wait forever
   */
  exclusively<T>(
    keys: readonly Key[],
    run: (operations: KeyValueOperations) => MaybePromise<T>,
  ): MaybePromise<T>;
}

/**
 * Makes any operations exclusive. Updates use this, so that those of one process never conflict. Calls that don't go through
 * this object don't wait.
 *
 * If the operations answer at once, so do these, and nothing ever waits.
 */
export class OrderedOperations implements ExclusiveOperations {
  readonly #operations: KeyValueOperations;
  readonly #order = new KeyOrder();

  constructor(operations: KeyValueOperations) {
    this.#operations = operations;
  }

  readonly set: KeyValueOperations['set'] = (items) =>
    this.#order.run(
      () => items.map(({ key }) => key),
      false,
      () => this.#operations.set(items),
    );

  readonly fetch: KeyValueOperations['fetch'] = (keys, maxBytes) =>
    this.#order.run(
      () => keys,
      false,
      () => this.#operations.fetch(keys, maxBytes),
    );

  readonly query: KeyValueOperations['query'] = (keys) =>
    this.#order.run(
      () => keys,
      false,
      () => this.#operations.query(keys),
    );

  readonly delete: KeyValueOperations['delete'] = (items) =>
    this.#order.run(
      () => items.map(({ key }) => key),
      false,
      () => this.#operations.delete(items),
    );

  readonly scan: KeyValueOperations['scan'] = (request) => this.#operations.scan(request);

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
}

/** Returns the operations themselves if they are exclusive, and else an {@link OrderedOperations} over them. */
export function exclusive(operations: KeyValueOperations | ExclusiveOperations): ExclusiveOperations {
  return 'exclusively' in operations ? operations : new OrderedOperations(operations);
}

/** As the function `update`. Updates of one key through the same operations are done one after the other. */
export function exclusiveUpdate<R>(
  operations: ExclusiveOperations,
  key: Key,
  change: MakeChange<R>,
): MaybePromise<UpdateOutcome<R>> {
  return operations.exclusively([key], (own) => update(own, key, change));
}
