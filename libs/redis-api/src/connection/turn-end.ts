/**
 * Runs tasks at the end of a turn of the event loop. Connections send their replies there. A client with many connections is then
 * woken once, and not by each reply.
 */
export class TurnEnd {
  #tasks: (() => void)[] = [];
  #turn = 0;
  #isAwaited = false;

  /** Returns the number of this turn. It tells whether something happens in the same turn as something before. */
  turnNumber(): number {
    if (!this.#isAwaited) setImmediate(this.#run);
    this.#isAwaited = true;
    return this.#turn;
  }

  /**
   * @param task must not throw
   * @returns false if there are too many tasks; then this one will not run
   */
  add(task: () => void): boolean {
    if (this.#tasks.length === MAX_TASKS) return false;
    this.#tasks.push(task);
    this.turnNumber();
    return true;
  }

  readonly #run = (): void => {
    const tasks = this.#tasks;
    this.#tasks = [];
    this.#isAwaited = false;
    this.#turn++;
    for (const task of tasks) task();
  };
}

/** Each connection with a task has a buffer of replies that nothing counts. */
const MAX_TASKS = 64;
