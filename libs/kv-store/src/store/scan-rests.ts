import { setTimeout } from 'node:timers/promises';

/**
 * Has scans give way. A scan can keep a processor busy for as long as it is read, and with it who writes and who reads
 * what it sends: other requests would wait for each of them. So while there are other operations, a scan rests now and
 * then. Without any, it goes on as fast as it can.
 */
export class ScanRests {
  #operations = 0;
  readonly #pause: () => Promise<unknown>;

  /** @param pause how the scan waits; tests count its calls */
  constructor(pause: () => Promise<unknown> = () => setTimeout(REST_MS)) {
    this.#pause = pause;
  }

  /** There is an operation that is no scan. */
  noteOperation(): void {
    this.#operations++;
  }

  /**
   * The same pieces, with rests between them.
   *
   * @param workOf how much work a piece has been: 1 is worth a rest
   */
  async *paced<T>(
    pieces: AsyncIterable<T>,
    workOf: (piece: T) => number,
  ): AsyncGenerator<T, void, undefined> {
    let seen = this.#operations;
    let rests = 0;
    let work = 0;
    for await (const piece of pieces) {
      work += workOf(piece);
      yield piece;
      if (work < 1) continue;
      work = 0;
      if (this.#operations !== seen) rests = RESTS;
      seen = this.#operations;
      if (rests === 0) continue;
      rests--;
      await this.#pause();
    }
  }
}

/**
 * Several times as long as the work before it takes all who take part: the node, the proxy and the reader. They may share
 * a machine's processors with those who serve other requests.
 */
const REST_MS = 4;

/** How many rests an operation brings: operations that come some milliseconds apart count as a load. */
const RESTS = 4;
