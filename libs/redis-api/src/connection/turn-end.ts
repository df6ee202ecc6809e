/**
 * Runs tasks at the end of a turn of the event loop. Connections send their replies there: a client that waits on many
 * connections is then woken once, and not by each reply.
 */
export class TurnEnd {
  #tasks: (() => void)[] = [];

  /** @param task must not throw */
  add(task: () => void): void {
    if (this.#tasks.push(task) === 1) setImmediate(this.#run);
  }

  readonly #run = (): void => {
    const tasks = this.#tasks;
    this.#tasks = [];
    for (const task of tasks) task();
  };
}
