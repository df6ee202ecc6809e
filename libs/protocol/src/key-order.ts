import { keyId, type Key, type KeyId } from './key.js';
import { isPromise, type MaybePromise } from './maybe-promise.js';

/** A call that has entered the order and has not left it. */
interface Ticket {
  readonly ids: ReadonlySet<KeyId>;
  /** How many tickets it waits for. */
  blockers: number;
  readonly followers: Ticket[];
  /** Called when it waits for none any more. */
  begin: () => void;
}

/** The tickets of a key that later ones wait for: the last exclusive one, and the others after it. */
interface Line {
  exclusive: Ticket | undefined;
  readonly others: Set<Ticket>;
}

/** Keeps the order of calls on the same key: a call waits for an earlier one on a key of it if one of the two is exclusive. */
export class KeyOrder {
  readonly #lines = new Map<KeyId, Line>();

  /**
   * Runs a call as soon as it need not wait. Returns its answer, at once if the call neither waits nor answers later.
   *
   * @param keys called only if the call or another one takes longer than this turn
   */
  run<T>(keys: () => readonly Key[], isExclusive: boolean, call: () => MaybePromise<T>): MaybePromise<T> {
    if (this.#lines.size > 0) return this.#runInOrder(keys(), isExclusive, call);
    const answer = call();
    return isPromise(answer) ? this.#runInOrder(keys(), isExclusive, () => answer) : answer;
  }

  #runInOrder<T>(keys: readonly Key[], isExclusive: boolean, call: () => MaybePromise<T>): MaybePromise<T> {
    const ticket = this.#enter(keys, isExclusive);
    if (ticket.blockers === 0) return this.#finish(ticket, call);
    return new Promise<void>((resolve) => {
      ticket.begin = resolve;
    }).then(() => this.#finish(ticket, call));
  }

  #enter(keys: readonly Key[], isExclusive: boolean): Ticket {
    const ids = new Set(keys.map(keyId));
    const ticket: Ticket = { ids, blockers: 0, followers: [], begin: () => undefined };
    const ahead = new Set<Ticket>();
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
    return ticket;
  }

  #finish<T>(ticket: Ticket, call: () => MaybePromise<T>): MaybePromise<T> {
    const leave = (): void => this.#leave(ticket);
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

  #leave(ticket: Ticket): void {
    for (const id of ticket.ids) {
      const line = this.#lines.get(id);
      if (line === undefined) continue;
      if (line.exclusive === ticket) line.exclusive = undefined;
      line.others.delete(ticket);
      if (line.exclusive === undefined && line.others.size === 0) this.#lines.delete(id);
    }
    for (const follower of ticket.followers) {
      follower.blockers--;
      if (follower.blockers === 0) follower.begin();
    }
  }
}
