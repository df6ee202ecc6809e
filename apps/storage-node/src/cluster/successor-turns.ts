/**
 * Chooses which copy of a partition is asked to take over. A copy that refuses, because its node leaves too, leads to a new epoch of
 * the entry. Then the next one is asked. Partitions begin with different copies, so that their primaries are spread.
 */
export class SuccessorTurns {
  readonly #asked = new Map<
    number,
    { readonly epoch: number; readonly turn: number; readonly sinceMs: number }
  >();

  /** Returns since when a copy has been asked at this epoch; undefined if none was. */
  askedSinceMs(partition: number, epoch: number): number | undefined {
    const asked = this.#asked.get(partition);
    return asked?.epoch === epoch ? asked.sinceMs : undefined;
  }

  /** Returns undefined if there is no copy. */
  next<T>(partition: number, epoch: number, copies: readonly T[], nowMs: number): T | undefined {
    const asked = this.#asked.get(partition);
    const isAgain = asked?.epoch === epoch;
    const turn = asked === undefined ? partition : asked.turn + Number(!isAgain);
    this.#asked.set(partition, { epoch, turn, sinceMs: isAgain ? asked.sinceMs : nowMs });
    return copies[turn % Math.max(copies.length, 1)];
  }
}
