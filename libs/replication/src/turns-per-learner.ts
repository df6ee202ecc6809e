import type { BootId } from '@kvs/topology';

/**
 * Lets few fills, or few bytes of their chunks, go to each learner at once. The others wait in the order in which they came. So one
 * turn of the event loop handles few pairs and little waits on a link, however many partitions move and however large the pairs are.
 */
export class TurnsPerLearner {
  readonly #maxSize: number;
  readonly #learners = new Map<BootId, LearnerTurns>();

  /** @param maxSize the limit of the sizes of all that runs to one learner, together. Anything larger runs alone */
  constructor(maxSize: number) {
    this.#maxSize = maxSize;
  }

  /** Whether nothing runs. */
  get isIdle(): boolean {
    return this.#learners.size === 0;
  }

  /** Calls back once there is room: at once, or when something else leaves. */
  enter(learner: BootId, begin: () => void, size = 1): void {
    this.#turnsOf(learner).waiting.set(begin, size);
    this.#advance(learner);
  }

  /** It has ended, or does not wait any more. May be called again. */
  leave(learner: BootId, begin: () => void): void {
    const { running, waiting } = this.#turnsOf(learner);
    waiting.delete(begin);
    running.delete(begin);
    this.#advance(learner);
  }

  #advance(learner: BootId): void {
    const { running, waiting } = this.#turnsOf(learner);
    for (const [begin, size] of waiting) {
      if (running.size > 0 && sumOf(running) + size > this.#maxSize) return;
      waiting.delete(begin);
      running.set(begin, size);
      begin();
    }
    if (this.#turnsOf(learner).running.size === 0) this.#learners.delete(learner);
  }

  #turnsOf(learner: BootId): LearnerTurns {
    let turns = this.#learners.get(learner);
    if (turns === undefined) {
      turns = { running: new Map(), waiting: new Map() };
      this.#learners.set(learner, turns);
    }
    return turns;
  }
}

/** The functions that begin the turns of a learner, with their sizes. */
interface LearnerTurns {
  readonly running: Map<() => void, number>;
  readonly waiting: Map<() => void, number>;
}

function sumOf(turns: ReadonlyMap<unknown, number>): number {
  let sum = 0;
  for (const size of turns.values()) sum += size;
  return sum;
}
