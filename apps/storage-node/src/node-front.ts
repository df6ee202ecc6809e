import type { NodeOperations } from '@kvs/node-link';
import {
  KeyOrder,
  runInTime,
  systemTimers,
  type ExclusiveOperations,
  type Key,
  type KeyValueOperations,
  type MaybePromise,
  type Timers,
} from '@kvs/protocol';
import type { Operations } from './operations.js';
import { ScanThrottle } from './scan-throttle.js';

/**
 * The operations that links, HTTP and Redis clients of this node use. Passes calls to the operations of the moment: those of a node
 * by itself, or those of a node in a cluster. While one caller has keys for itself, calls of all others on these keys wait. If no call
 * is in flight, a call that is answered at once is not noted. Scans are slower while there are other calls.
 */
export class NodeFront implements Operations, NodeOperations, ExclusiveOperations {
  #current: Operations;
  readonly #order = new KeyOrder();
  readonly #timers: Timers;
  readonly #throttle: ScanThrottle;
  /** The operations of a caller that has keys for itself. They follow {@link use}: a transaction is refused if the node joins a cluster. */
  readonly #own: KeyValueOperations = {
    set: (items) => this.#current.set(items),
    fetch: (keys, maxBytes) => this.#current.fetch(keys, maxBytes),
    query: (keys) => this.#current.query(keys),
    delete: (items) => this.#current.delete(items),
    scan: (request) => this.scan(request),
  };

  constructor(operations: Operations, timers = systemTimers, throttle = new ScanThrottle()) {
    this.#current = operations;
    this.#timers = timers;
    this.#throttle = throttle;
  }

  /** Passes later calls to other operations. */
  use(operations: Operations): void {
    this.#current = operations;
  }

  readonly set: Operations['set'] = (items, partitions, epoch) =>
    this.#run(
      () => keysOf(items),
      () => this.#current.set(items, partitions, epoch),
    );

  readonly fetch: Operations['fetch'] = (keys, maxBytes, partitions, epoch) =>
    this.#run(
      () => keys,
      () => this.#current.fetch(keys, maxBytes, partitions, epoch),
    );

  readonly query: Operations['query'] = (keys, partitions, epoch) =>
    this.#run(
      () => keys,
      () => this.#current.query(keys, partitions, epoch),
    );

  readonly delete: Operations['delete'] = (items, partitions, epoch) =>
    this.#run(
      () => keysOf(items),
      () => this.#current.delete(items, partitions, epoch),
    );

  readonly scan: Operations['scan'] = async (request) => {
    const answer = await this.#current.scan(request);
    return { ...answer, lines: this.#throttle.throttled(answer.lines) };
  };

  readonly scanLines: Operations['scanLines'] = (request, epoch) =>
    this.#throttle.throttled(this.#current.scanLines(request, epoch));

  readonly stats: Operations['stats'] = () => this.#current.stats();

  readonly exclusively: ExclusiveOperations['exclusively'] = (keys, run) => {
    this.#throttle.noteOperation();
    return runInTime(
      this.#order,
      () => keys,
      'exclusive',
      () => run(this.#own),
      this.#timers,
    );
  };

  #run<T>(keys: () => readonly Key[], call: () => MaybePromise<T>): MaybePromise<T> {
    this.#throttle.noteOperation();
    return this.#order.run(keys, 'shared', call);
  }
}

function keysOf(items: readonly { readonly key: Key }[]): Key[] {
  return items.map(({ key }) => key);
}
