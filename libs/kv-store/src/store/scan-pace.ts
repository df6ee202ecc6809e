import { setTimeout } from 'node:timers/promises';

/**
 * Has scans give way. A scan can keep a processor busy for as long as it is read, and with it who writes and who reads
 * what it sends: other requests would wait for each of them. So while there are other operations, a scan rests after each
 * piece. Without any, it goes on as fast as it can.
 */
export class ScanPace {
  #operations = 0;

  /** There is an operation that is no scan. */
  noteOperation(): void {
    this.#operations++;
  }

  /** The same pieces, with rests between them. */
  async *paced<T>(pieces: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
    let seen = this.#operations;
    let rests = 0;
    for await (const piece of pieces) {
      yield piece;
      if (this.#operations !== seen) rests = RESTS;
      seen = this.#operations;
      if (rests === 0) continue;
      rests--;
      await setTimeout(REST_MS);
    }
  }
}

/** The shortest that a timer knows; the work for a piece takes a fraction of it. */
const REST_MS = 1;

/** How many pieces after an operation have a rest: operations that come a few milliseconds apart count as a load. */
const RESTS = 4;
