const SHORT_LIFE_MS = 10_000;
const FIRST_MS = 100;
const LONGEST_MS = 5_000;

/** How long to wait before a worker is replaced: the longer, the more often it died soon after its start. */
export class RestartPause {
  #shortLives = 0;

  /** @param livedMs how long the worker lived that has just died */
  next(livedMs: number): number {
    if (livedMs >= SHORT_LIFE_MS) {
      this.#shortLives = 0;
      return 0;
    }
    return Math.min(FIRST_MS * 2 ** this.#shortLives++, LONGEST_MS);
  }
}
