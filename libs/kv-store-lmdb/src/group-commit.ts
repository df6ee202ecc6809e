/** The change of one item. It may be applied more than once, if its transaction failed. */
export interface Step {
  apply(): void;
  refuse(error: unknown): void;
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

  readonly #assertUsable: () => void;
  readonly #transact: (apply: () => void) => void;

  /**
   * @param assertUsable throws if nothing can be committed now
   * @param transact applies all changes and commits them, or throws and changes nothing
   */
  constructor(assertUsable: () => void, transact: (apply: () => void) => void) {
    this.#assertUsable = assertUsable;
    this.#transact = transact;
  }

  /** Resolves when each change was committed or refused. Rejects, and changes nothing, if `assertUsable` throws. */
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
    try {
      this.#assertUsable();
    } catch (error) {
      for (const { fail } of group) fail(error);
      return;
    }
    this.#commitAll(group.flatMap(({ steps }) => steps));
    for (const { settle } of group) settle();
  }

  /** Tries a failed group again in halves, down to the changes that fail. */
  #commitAll(steps: readonly Step[]): void {
    if (steps.length === 0) return;
    try {
      this.#transact(() => {
        for (const step of steps) step.apply();
      });
    } catch (error) {
      if (steps.length === 1) return steps[0]?.refuse(error);
      const half = steps.length >> 1;
      this.#commitAll(steps.slice(0, half));
      this.#commitAll(steps.slice(half));
    }
  }
}
