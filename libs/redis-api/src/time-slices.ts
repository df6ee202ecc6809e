import { setImmediate } from 'node:timers/promises';
import { isPromise, type MaybePromise } from '@kvs/protocol';

/** How long one client may keep all others waiting, because an engine can answer every command at once. */
export const MAX_SLICE_MS = 8;

/** Runs something for each item, one after the other, in time slices. Other clients are served between two slices. */
export function inSlices<T>(items: Iterable<T>, run: (item: T) => MaybePromise<void>): MaybePromise<void> {
  const rest = items[Symbol.iterator]();
  /** Returns when to go on; undefined at the end. */
  const runSlice = (): Promise<void> | undefined => {
    const endMs = performance.now() + MAX_SLICE_MS;
    // A `for` of the iterator would end it when it is left.
    for (let next = rest.next(); next.done !== true; next = rest.next()) {
      const done = run(next.value);
      if (isPromise(done)) return done;
      if (performance.now() >= endMs) return setImmediate();
    }
    return undefined;
  };
  const runRest = async (until: Promise<void>): Promise<void> => {
    for (let next: Promise<void> | undefined = until; next !== undefined; next = runSlice()) await next;
  };
  const first = runSlice();
  return first && runRest(first);
}
