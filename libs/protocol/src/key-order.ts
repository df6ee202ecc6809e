import { keyId, type Key, type KeyId } from './key.js';
import { isPromise, type MaybePromise } from './maybe-promise.js';

/** A call that has entered the order and has not left it. */
export interface KeyOrderTicket {
  readonly ids: ReadonlySet<KeyId>;
  /** How many tickets it waits for. */
  blockers: number;
  readonly followers: KeyOrderTicket[];
  readonly run: () => void;
}

/** The tickets of a key that later ones wait for: the last exclusive one, and the others after it. */
interface Line {
  exclusive: KeyOrderTicket | undefined;
  readonly others: Set<KeyOrderTicket>;
}

/** Keeps the order of calls on the same key: a call waits for an earlier one on a key of it if one of the two is exclusive. */
export class KeyOrder {
  readonly #lines = new Map<KeyId, Line>();

  /** Whether no call has entered that has not left. */
  get isEmpty(): boolean {
    return this.#lines.size === 0;
  }

  /**
   * Runs a call as soon as it need not wait. Returns its answer, at once if the call neither waits nor answers later.
   *
   * @param keys called only if the call or another one takes longer than this turn
   */
  run<T>(keys: () => readonly Key[], isExclusive: boolean, call: () => MaybePromise<T>): MaybePromise<T> {
    if (!this.isEmpty) return this.#runInOrder(keys(), isExclusive, call);
    const answer = call();
    return isPromise(answer) ? this.#runInOrder(keys(), isExclusive, () => answer) : answer;
  }

  /** @param run called as soon as the call need not wait, possibly at once; after the call, `leave` must be called */
  enter(keys: readonly Key[], isExclusive: boolean, run: () => void): KeyOrderTicket {
    const ids = new Set(keys.map(keyId));
    const ticket: KeyOrderTicket = { ids, blockers: 0, followers: [], run };
    const ahead = new Set<KeyOrderTicket>();
    for (const id of ids) {
      let line = this.#lines.get(id);
      if (line === undefined) this.#lines.set(id, (line = { exclusive: undefined, others: new Set() }));
      if (line.exclusive !== undefined) ahead.add(line.exclusive);
      if (isExclusive) {
        for (const other of line.others) ahead.add(other);
        line.others.clear();
        line.exclusive = ticket;
      } else {
        line.others.add(ticket);
      }
    }
    for (const other of ahead) other.followers.push(ticket);
    ticket.blockers = ahead.size;
    if (ticket.blockers === 0) run();
    return ticket;
  }

  leave(ticket: KeyOrderTicket): void {
    for (const id of ticket.ids) {
      const line = this.#lines.get(id);
      if (line === undefined) continue;
      if (line.exclusive === ticket) line.exclusive = undefined;
      line.others.delete(ticket);
      if (line.exclusive === undefined && line.others.size === 0) this.#lines.delete(id);
    }
    for (const follower of ticket.followers) {
      follower.blockers--;
      if (follower.blockers === 0) follower.run();
    }
  }

  #runInOrder<T>(keys: readonly Key[], isExclusive: boolean, call: () => MaybePromise<T>): MaybePromise<T> {
    let isFree = false;
    let wake: (() => void) | undefined;
    const ticket = this.enter(keys, isExclusive, () => {
      isFree = true;
      wake?.();
    });
    if (isFree) return this.#finish(ticket, call);
    return new Promise<void>((resolve) => {
      wake = resolve;
    }).then(() => this.#finish(ticket, call));
  }

  #finish<T>(ticket: KeyOrderTicket, call: () => MaybePromise<T>): MaybePromise<T> {
    const leave = (): void => this.leave(ticket);
    let answer: MaybePromise<T>;
    try {
      answer = call();
    } catch (error) {
      leave();
      throw error;
    }
    if (isPromise(answer)) answer.then(leave, leave);
    else leave();
    return answer;
  }
}
