import type { Room } from './disk-space.js';
import { PAGE_BYTES } from './environment.js';
import { isOutOfSpace, outOfSpace } from './failures.js';

/** The change of one item. It may be applied more than once, if its transaction failed. */
export interface Step {
  /** About how many bytes it writes; undefined if it may use the reserve of the disk. */
  readonly roomBytes: number | undefined;
  apply(): void;
  refuse(error: unknown): void;
}

/** The parts of the engine that a {@link GroupCommit} uses. */
export interface CommitContext {
  /** Throws if nothing can be committed now. */
  assertUsable(): void;
  /** Returns how much may be written now, if `wantedBytes` are wanted. Throws if it cannot be found out. */
  room(wantedBytes: number): Room;
  /** Applies all changes and commits them, or throws and changes nothing. */
  transact(apply: () => void): void;
}

/**
 * Commits together all changes of one turn of the event loop, because a commit costs about the same for one item and
 * for hundreds. Changes are applied in the order in which they came.
 */
export class GroupCommit {
  #waiting: {
    readonly steps: readonly Step[];
    readonly settle: () => void;
    readonly fail: (error: unknown) => void;
  }[] = [];
  #turn: NodeJS.Immediate | undefined;

  readonly #context: CommitContext;

  constructor(context: CommitContext) {
    this.#context = context;
  }

  /** Resolves when each change was committed or refused. Rejects, and changes nothing, if `assertUsable` or `room` throws. */
  commit(steps: readonly Step[]): Promise<void> {
    return new Promise((settle, fail) => {
      this.#waiting.push({ steps, settle, fail });
      this.#turn ??= setImmediate(() => this.flush());
    });
  }

  /** Commits waiting changes now. */
  flush(): void {
    clearImmediate(this.#turn);
    this.#turn = undefined;
    const group = this.#waiting;
    this.#waiting = [];
    if (group.length === 0) return;
    let steps: readonly Step[];
    try {
      this.#context.assertUsable();
      steps = this.#withRoom(group.flatMap((call) => call.steps));
    } catch (error) {
      for (const { fail } of group) fail(error);
      return;
    }
    this.#commitAll(steps);
    for (const { settle } of group) settle();
  }

  /**
   * Refuses the steps for which there is no room, and returns the others. LMDB 3.5 can corrupt its memory when a write meets a full
   * disk: the message of that error may be longer than the 100 bytes that it reserves.
   */
  #withRoom(steps: readonly Step[]): readonly Step[] {
    const room = this.#context.room(steps.reduce((sum, { roomBytes = 0 }) => sum + roomBytes, 0));
    let written = 0;
    return steps.filter((step) => {
      const { roomBytes } = step;
      if (roomBytes === undefined) return true;
      const after = written + roomBytes;
      if (after > room.bytes || (roomBytes > LARGE_BYTES && after > room.growthBytes)) {
        step.refuse(outOfSpace());
        return false;
      }
      written = after;
      return true;
    });
  }

  /** Tries a failed group again in halves, down to the changes that fail. */
  #commitAll(steps: readonly Step[]): void {
    if (steps.length === 0) return;
    try {
      this.#context.transact(() => {
        for (const step of steps) step.apply();
      });
    } catch (error) {
      if (isOutOfSpace(error)) return this.#commitWithoutSpace(steps, error);
      if (steps.length === 1) return steps[0]?.refuse(error);
      const half = steps.length >> 1;
      this.#commitAll(steps.slice(0, half));
      this.#commitAll(steps.slice(half));
    }
  }

  /** Tries only the changes that may use the reserve, and once, because each attempt can harm LMDB. */
  #commitWithoutSpace(steps: readonly Step[], error: unknown): void {
    const others = steps.filter(({ roomBytes }) => roomBytes === undefined);
    const refused =
      others.length === steps.length ? steps : steps.filter(({ roomBytes }) => roomBytes !== undefined);
    for (const step of refused) step.refuse(error);
    if (refused !== steps) this.#commitAll(others);
  }
}

/** A step that writes more has a record that needs pages in a row. */
const LARGE_BYTES = 3 * PAGE_BYTES;
