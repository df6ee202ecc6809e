/** Awaited only where it is a promise: an engine that answers at once costs no turn of the event loop. */
export type MaybePromise<T> = T | Promise<T>;

/** Knows promises of another realm too, as test runners and worker contexts make them. */
export function isPromise<T>(answer: MaybePromise<T>): answer is Promise<T> {
  return typeof answer === 'object' && answer !== null && 'then' in answer;
}

/** `use(answer)`: at once where the answer is there, later only where it is a promise. */
export function whenDone<T, R>(answer: MaybePromise<T>, use: (done: T) => R): MaybePromise<R> {
  return isPromise(answer) ? answer.then(use) : use(answer);
}
