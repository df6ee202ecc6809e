import type { Topology } from '@kvs/topology';
import type { Random } from './random.js';
import type { Scheduler } from './scheduler.js';

/** The result of a compare-and-set for its caller. `unknown`: the change may have been made, or may be made later. */
export type ReplaceResult = 'replaced' | 'conflict' | 'unknown';

/**
 * The store of the topology of the simulated cluster: one document with linearizable reads and compare-and-set. In bad
 * weather it is slow, answers get lost, and a change that was reported as unknown is made seconds later.
 */
export class TopologyCell {
  /** Whether calls are slow now and then, and answers get lost. */
  isUnsteady = false;
  #slow = 0;
  #away = 0;
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #committed: (before: Topology, after: Topology) => void;
  #topology: Topology;

  constructor(
    first: Topology,
    scheduler: Scheduler,
    random: Random,
    committed: (before: Topology, after: Topology) => void,
  ) {
    this.#topology = first;
    this.#scheduler = scheduler;
    this.#random = random;
    this.#committed = committed;
  }

  /** The document as it is now, which only the checkers may see. */
  get topology(): Topology {
    return this.#topology;
  }

  /** Makes every call slow and lossy, until it is called with -1 as often as with 1. */
  slow(change: 1 | -1): void {
    this.#slow += change;
  }

  /** Lets callers get no answer, and changes nothing, until it is called with -1 as often as with 1. */
  away(change: 1 | -1): void {
    this.#away += change;
  }

  /** Reads the document. Calls back with undefined if the store is away. */
  read(done: (topology: Topology | undefined) => void): void {
    this.#scheduler.after(this.#delayMs(), () => {
      const topology = this.#away > 0 ? undefined : this.#topology;
      this.#scheduler.after(topology === undefined ? UNKNOWN_AFTER_MS : this.#delayMs(), () =>
        done(topology),
      );
    });
  }

  /** Puts a document in the place of the one with the revision before it. */
  replace(next: Topology, done: (result: ReplaceResult) => void): void {
    const random = this.#random;
    const isAway = this.#away > 0;
    const isLost = isAway || random.chance(this.#slow > 0 ? 0.4 : this.isUnsteady ? 0.04 : 0);
    if (!isLost) {
      this.#scheduler.after(this.#delayMs(), () => {
        const result = this.#commit(next);
        this.#scheduler.after(this.#delayMs(), () => done(result));
      });
      return;
    }
    this.#scheduler.after(random.between(50, 1000), () => done('unknown'));
    if (!isAway && random.chance(0.7)) {
      this.#scheduler.after(random.between(0, random.chance(0.5) ? 4000 : 20), () => this.#commit(next));
    }
  }

  #commit(next: Topology): ReplaceResult {
    const before = this.#topology;
    if (next.revision !== before.revision + 1) return 'conflict';
    this.#topology = next;
    this.#committed(before, next);
    return 'replaced';
  }

  #delayMs(): number {
    const random = this.#random;
    if (this.#slow > 0) return random.between(5, 2500);
    return this.isUnsteady && random.chance(0.05) ? random.between(5, 2000) : random.between(1, 15);
  }
}

/** The time after which a caller gives up. */
const UNKNOWN_AFTER_MS = 1000;
