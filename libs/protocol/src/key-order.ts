import { keyId, type Key, type KeyId } from './key.js';
import { isPromise, type MaybePromise } from './maybe-promise.js';

/** `exclusive`: a call that has its keys for itself. `shared`: one that may run at the same time as other shared calls. */
export type Access = 'shared' | 'exclusive';

/** Calls on one key that may run at the same time: one exclusive call, or any number of shared ones. */
interface Group {
  readonly id: KeyId;
  readonly access: Access;
  /** How many calls have not ended. */
  size: number;
  /** Whether the group before it has ended. */
  hasBegun: boolean;
  /** Called when it begins. */
  readonly waiting: (() => void)[];
  /** The group that begins when this one has ended. */
  next: Group | undefined;
}

/** Keeps the order of calls on the same key: a call waits for an earlier one on a key of it if one of the two is exclusive. */
export class KeyOrder {
  /** The last group of each key. Only this one can take further calls. */
  readonly #last = new Map<KeyId, Group>();

  /**
   * Runs a call as soon as it need not wait. Returns its answer, at once if the call neither waits nor answers later.
   *
   * @param keys called only if the call or another one takes longer than this turn
   */
  run<T>(keys: () => readonly Key[], access: Access, call: () => MaybePromise<T>): MaybePromise<T> {
    if (this.#last.size > 0) return this.#runInOrder(keys(), access, call);
    const answer = call();
    return isPromise(answer) ? this.#runInOrder(keys(), access, () => answer) : answer;
  }

  #runInOrder<T>(keys: readonly Key[], access: Access, call: () => MaybePromise<T>): MaybePromise<T> {
    const ids = keys.map(keyId);
    // A key that comes twice would have an exclusive call wait for itself. Others may join a group twice.
    const groups = (access === 'exclusive' ? [...new Set(ids)] : ids).map((id) => this.#join(id, access));
    const ahead = groups.filter(({ hasBegun }) => !hasBegun);
    if (ahead.length === 0) return this.#finish(groups, call);
    return new Promise<void>((resolve) => {
      let missing = ahead.length;
      const onBegin = (): void => {
        missing--;
        if (missing === 0) resolve();
      };
      for (const group of ahead) group.waiting.push(onBegin);
    }).then(() => this.#finish(groups, call));
  }

  /** Adds a call to the last group of a key, or to a new one. */
  #join(id: KeyId, access: Access): Group {
    const last = this.#last.get(id);
    if (last !== undefined && last.access === 'shared' && access === 'shared') {
      last.size++;
      return last;
    }
    const group: Group = {
      id,
      access,
      size: 1,
      hasBegun: last === undefined,
      waiting: [],
      next: undefined,
    };
    if (last !== undefined) last.next = group;
    this.#last.set(id, group);
    return group;
  }

  #finish<T>(groups: readonly Group[], call: () => MaybePromise<T>): MaybePromise<T> {
    const leave = (): void => {
      for (const group of groups) this.#leave(group);
    };
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

  #leave(group: Group): void {
    group.size--;
    if (group.size > 0) return;
    if (group.next === undefined) {
      this.#last.delete(group.id);
      return;
    }
    group.next.hasBegun = true;
    for (const onBegin of group.next.waiting) onBegin();
  }
}
