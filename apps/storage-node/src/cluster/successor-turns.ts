/**
 * Chooses which copy of a partition is asked to take over. A copy that refuses, because its node leaves too, leads to a new epoch of
 * the entry. Then the next one is asked. Runs of partitions begin with different copies, so that their primaries are spread, and
 * Redis clients see few ranges of slots.
 */
export class SuccessorTurns {
  readonly #asked = new Map<number, { readonly epoch: number; readonly turn: number }>();

  /** Returns undefined if there is no copy. */
  next<T>(partition: number, epoch: number, copies: readonly T[]): T | undefined {
    const asked = this.#asked.get(partition);
    const turn =
      asked === undefined ? Math.floor(partition / RUN) : asked.turn + Number(asked.epoch !== epoch);
    this.#asked.set(partition, { epoch, turn });
    return copies[turn % Math.max(copies.length, 1)];
  }
}

/** So many neighboring partitions begin with the same copy: few enough that a node hands partitions over to two copies at once. */
const RUN = 64;
