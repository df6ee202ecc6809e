import { setTimeout } from 'node:timers/promises';

/**
 * Slows scans while there are other operations. A scan can keep the processor of the node, of the proxy and of the
 * reader busy, and other requests would wait for all three. Without other operations, a scan runs at full speed.
 */
export class ScanThrottle {
  #operations = 0;
  readonly #pause: () => Promise<unknown>;

  /** @param pause waits; tests count its calls */
  constructor(pause: () => Promise<unknown> = () => setTimeout(PAUSE_MS)) {
    this.#pause = pause;
  }

  /** Must be called for each operation that is not a scan. */
  noteOperation(): void {
    this.#operations++;
  }

  /**
   * Yields the same chunks, with pauses between them.
   *
   * @param workOf returns how much work a chunk was: a scan may pause after each 1
   */
  async *throttled<T>(
    chunks: AsyncIterable<T>,
    workOf: (chunk: T) => number,
  ): AsyncGenerator<T, void, undefined> {
    let seen = this.#operations;
    let pauses = 0;
    let work = 0;
    for await (const chunk of chunks) {
      work += workOf(chunk);
      yield chunk;
      if (work < 1) continue;
      work = 0;
      if (this.#operations !== seen) pauses = MAX_PAUSES;
      seen = this.#operations;
      if (pauses === 0) continue;
      pauses--;
      await this.#pause();
    }
  }
}

/** Several times as long as node, proxy and reader need for the work before it. */
const PAUSE_MS = 4;

/** How many pauses follow an operation, so that operations some milliseconds apart slow a scan all the time. */
const MAX_PAUSES = 4;
