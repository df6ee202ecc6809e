import { setTimeout } from 'node:timers/promises';
import type { PairLines } from '@kvs/protocol';

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
   * Yields the same chunks, with pauses between them. Must be called once for a whole scan: one throttle for each partition would
   * never find enough work for a pause.
   */
  async *throttled(chunks: PairLines): AsyncGenerator<Uint8Array, void, undefined> {
    let seen = this.#operations;
    let pauses = 0;
    let bytes = 0;
    for await (const chunk of chunks) {
      bytes += chunk.length;
      yield chunk;
      if (bytes < BYTES_PER_PAUSE) continue;
      bytes = 0;
      if (this.#operations !== seen) pauses = MAX_PAUSES;
      seen = this.#operations;
      if (pauses === 0) continue;
      pauses--;
      await this.#pause();
    }
  }
}

/** How much of a scan is read before it may have to pause: the work of a fraction of a millisecond. */
export const BYTES_PER_PAUSE = 64 * 1024;

/** Several times as long as node, proxy and reader need for the work before it. */
const PAUSE_MS = 2;

/** How many pauses follow an operation, so that operations some milliseconds apart slow a scan all the time. */
const MAX_PAUSES = 4;
