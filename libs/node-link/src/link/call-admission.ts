import type { Refusal } from '../codec/refusal.js';

/**
 * The budget from which a node admits the calls of all its links. Listeners of other protocols can share it. Each method is
 * called for every call, so it must take constant time.
 */
export interface CallAdmission {
  /**
   * Counts a call as in flight, unless there is no room for it.
   *
   * @param bytes the weight of the call: its text and something for each item
   * @returns the refusal; undefined if the call is admitted, and then `leave` is called once with the same bytes
   */
  enter(bytes: number): Refusal | undefined;
  /** Counts an admitted call as done. */
  leave(bytes: number): void;
  /**
   * Counts the bytes of answers that links hold because proxies have not read them.
   *
   * @param bytes by how much they grew; negative if they shrank
   */
  addUnread(bytes: number): void;
  /**
   * Counts the bytes of incomplete frames that links hold.
   *
   * @param bytes by how much they grew; negative if they shrank
   */
  addIncomplete(bytes: number): void;
}
