/** Waits for lines that processes print. */
export class LineWaiter {
  #pattern: RegExp | undefined;
  #missing = 0;
  #found: RegExpExecArray[] = [];
  #done: (() => void) | undefined;

  /** Resolves when so many more lines have matched. One wait at a time. */
  async next(pattern: RegExp, count: number): Promise<RegExpExecArray[]> {
    this.#pattern = pattern;
    this.#missing = count;
    this.#found = [];
    await new Promise<void>((resolve) => {
      this.#done = resolve;
    });
    return this.#found;
  }

  take(line: string): void {
    const match = this.#pattern?.exec(line);
    if (!match || this.#missing === 0) return;
    this.#found.push(match);
    this.#missing--;
    if (this.#missing === 0) this.#done?.();
  }
}
