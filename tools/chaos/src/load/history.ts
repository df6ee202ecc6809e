import type { Act, Operation, Result } from '@kvs-tools/cluster-simulation';

/** All operations of all clients, with times of one monotonic clock. */
export class History {
  readonly #byKey = new Map<string, Operation[]>();
  readonly #startMs = performance.now();
  #count = 0;

  /** The time since the history began, in milliseconds. */
  get nowMs(): number {
    return performance.now() - this.#startMs;
  }

  /** The operations on each key. */
  get byKey(): ReadonlyMap<string, readonly Operation[]> {
    return this.#byKey;
  }

  /** How many operations have begun. */
  get count(): number {
    return this.#count;
  }

  /** Notes that an operation begins now. */
  begin(key: string, act: Act): Operation {
    const operation: Operation = {
      id: this.#count++,
      key,
      act,
      invokedMs: this.nowMs,
      returnedMs: Infinity,
      result: undefined,
    };
    const operations = this.#byKey.get(key);
    if (operations === undefined) this.#byKey.set(key, [operation]);
    else operations.push(operation);
    return operation;
  }

  /** Notes that the answer to an operation has come now. Without a result, nobody knows whether the operation was done. */
  end(operation: Operation, result: Result | undefined): void {
    if (result === undefined) return;
    operation.returnedMs = this.nowMs;
    operation.result = result;
  }
}
