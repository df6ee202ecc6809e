import type { MaybePromise } from '@kvs/protocol';
import type { Admission } from '@kvs/server';
import { settle } from '../settle.js';

/** Something that runs as one request in flight. */
export interface Work<T> {
  /** The bytes that the request holds. The budget must have room for them. */
  readonly bytes: number;
  /** The bytes that are in memory until it ends, also those of later requests. Default: `bytes`. */
  readonly heldBytes?: number;
  /** Whether it changes no pairs. */
  readonly isRead: boolean;
  readonly run: () => MaybePromise<T>;
}

/**
 * Runs something as one request in flight. A read also fails if replies that clients have not read exceed the budget when its
 * own could be written. A write has been applied by then, so its reply is written.
 */
export function admitted<T, R>(
  admission: Admission,
  { bytes, heldBytes = bytes, isRead, run }: Work<T>,
  finish: (done: T) => R,
  fail: (error: unknown) => R,
): MaybePromise<R> {
  const refusal = admission.enter(bytes, heldBytes);
  if (refusal !== undefined) return fail(refusal);
  const succeeded = (done: T): R => {
    // Later requests in memory are no reason to refuse this one's answer.
    if (heldBytes > bytes) admission.release(heldBytes - bytes);
    const full = isRead ? admission.refusalOfAnswer(bytes) : undefined;
    admission.leave(bytes);
    return full === undefined ? finish(done) : fail(full);
  };
  const failed = (error: unknown): R => {
    admission.leave(heldBytes);
    return fail(error);
  };
  return settle(run, succeeded, failed);
}
