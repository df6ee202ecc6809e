import { isPromise, type MaybePromise } from '@kvs/protocol';

/** Passes on what `run` returns or resolves with, or the error. Takes no turn of the event loop if it returns. */
export function settle<T, R>(
  run: () => MaybePromise<T>,
  finish: (done: T) => R,
  fail: (error: unknown) => R,
): MaybePromise<R> {
  let done: MaybePromise<T>;
  try {
    done = run();
  } catch (error) {
    return fail(error);
  }
  return isPromise(done) ? done.then(finish, fail) : finish(done);
}
