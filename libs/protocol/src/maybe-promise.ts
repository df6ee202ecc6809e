/**
 * A value or a promise of it. Callers await only promises, so an engine that answers at once costs no turn of the
 * event loop.
 */
export type MaybePromise<T> = T | Promise<T>;

/** Returns whether this is a promise, also of another realm, as in test runners and worker contexts. */
export function isPromise<T>(answer: MaybePromise<T>): answer is Promise<T> {
  return typeof answer === 'object' && answer !== null && 'then' in answer;
}

/** Returns `use(answer)`, at once if the answer is not a promise. */
export function whenDone<T, R>(answer: MaybePromise<T>, use: (done: T) => MaybePromise<R>): MaybePromise<R> {
  return isPromise(answer) ? answer.then(use) : use(answer);
}
