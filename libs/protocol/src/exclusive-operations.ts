import { KvsError } from './errors.js';
import { KeyOrder, type Access } from './key-order.js';
import type { Key } from './key.js';
import { isPromise, type MaybePromise } from './maybe-promise.js';
import type { KeyValueOperations } from './operations.js';
import { systemTimers, type Timers } from './timers.js';
import { update, type MakeChange, type UpdateOutcome } from './update.js';

/** Operations whose callers can have keys for themselves. While a caller has a key, calls on that key wait. Scans don't wait. */
export interface ExclusiveOperations extends KeyValueOperations {
  /**
   * Runs something that needs some keys for itself.
   *
   * @param run gets operations that don't wait, for these keys only; calls to the object itself would wait forever
   * @throws KvsError `overloaded` if the keys were in use for too long, at once or by promise. Then `run` was not called.
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
  readonly #timers: Timers;

  constructor(operations: KeyValueOperations, timers = systemTimers) {
    this.#operations = operations;
    this.#timers = timers;
  }

  readonly set: KeyValueOperations['set'] = (items) =>
    this.#inTime(
      () => items.map(({ key }) => key),
      'shared',
      () => this.#operations.set(items),
    );

  readonly fetch: KeyValueOperations['fetch'] = (keys, maxBytes) =>
    this.#inTime(
      () => keys,
      'shared',
      () => this.#operations.fetch(keys, maxBytes),
    );

  readonly query: KeyValueOperations['query'] = (keys) =>
    this.#inTime(
      () => keys,
      'shared',
      () => this.#operations.query(keys),
    );

  readonly delete: KeyValueOperations['delete'] = (items) =>
    this.#inTime(
      () => items.map(({ key }) => key),
      'shared',
      () => this.#operations.delete(items),
    );

  readonly scan: KeyValueOperations['scan'] = (request) => this.#operations.scan(request);

  exclusively<T>(
    keys: readonly Key[],
    run: (operations: KeyValueOperations) => MaybePromise<T>,
  ): MaybePromise<T> {
    return this.#inTime(
      () => keys,
      'exclusive',
      () => run(this.#operations),
    );
  }

  #inTime<T>(keys: () => readonly Key[], access: Access, call: () => MaybePromise<T>): MaybePromise<T> {
    return runInTime(this.#order, keys, access, call, this.#timers);
  }
}

/**
 * Runs a call in the order of a key, unless it has waited for more than 5 s. Otherwise each call that waits for a hung node would add
 * its time-out to the waits of all calls behind it, and they would fill the process. A call that has failed keeps only its place in
 * the order, so that no later call of its caller overtakes an earlier one.
 *
 * @throws KvsError `overloaded`, at once or by promise. Then the call was not made.
 */
export function runInTime<T>(
  order: KeyOrder,
  keys: () => readonly Key[],
  access: Access,
  call: () => MaybePromise<T>,
  timers = systemTimers,
): MaybePromise<T> {
  const endMs = timers.nowMs() + BEGIN_WITHIN_MS;
  // Undefined once the call has begun or is too late, because it may hold large values.
  let waiting: typeof call | undefined = call;
  let cancelTimer = (): void => undefined;
  const answer = order.run(keys, access, () => {
    cancelTimer();
    const run = waiting;
    waiting = undefined;
    // A busy event loop runs the timer late.
    if (run === undefined || timers.nowMs() > endMs) throw tooLate();
    return run();
  });
  if (waiting === undefined || !isPromise(answer)) return answer;
  return new Promise<T>((resolve, reject) => {
    cancelTimer = timers.after(BEGIN_WITHIN_MS, () => {
      waiting = undefined;
      reject(tooLate());
    });
    answer.then(resolve, reject);
  });
}

function tooLate(): KvsError {
  return new KvsError('overloaded', 'a key was in use for 5 s; nothing was changed');
}

const BEGIN_WITHIN_MS = 5000;

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
