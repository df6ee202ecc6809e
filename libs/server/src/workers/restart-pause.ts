const SHORT_LIFE_MS = 10_000;
const FIRST_MS = 100;
const MAX_MS = 5_000;

/** The wait before a worker is replaced. It doubles each time a worker ends soon after its start. */
export class RestartPause {
  #shortLives = 0;

  /**
   * Returns the next wait in milliseconds.
   *
   * @param livedMs how long the worker lived
   */
  next(livedMs: number): number {
    if (livedMs >= SHORT_LIFE_MS) {
      this.#shortLives = 0;
      return 0;
    }
    return Math.min(FIRST_MS * 2 ** this.#shortLives++, MAX_MS);
  }
}
