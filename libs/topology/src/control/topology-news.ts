import type { Topology } from '../topology.js';
import type { ControlTimers } from './ports.js';
import type { TopologyKeeper } from './topology-keeper.js';

/** How long a request may wait for a newer topology, in milliseconds. */
export const MAX_NEWS_WAIT_MS = 10_000;

/** A request of a node that knows the topology of this revision. */
interface Waiting {
  readonly revision: number;
  readonly end: (topology?: Topology) => void;
}

/**
 * The requests that wait until this proxy knows a newer topology. The first ones are answered at once, and others in turns: a
 * proxy of many nodes does not write all answers in one moment, and topologies that follow each other closely are not all sent.
 */
export class TopologyNews {
  readonly #keeper: Pick<TopologyKeeper, 'current' | 'watch'>;
  readonly #timers: Pick<ControlTimers, 'after'>;
  readonly #waiting = new Set<Waiting>();
  readonly #maxWaiting: number;
  #isResting = false;
  #hasEnded = false;

  /** @param maxWaiting how many requests may wait */
  constructor(
    keeper: Pick<TopologyKeeper, 'current' | 'watch'>,
    timers: Pick<ControlTimers, 'after'>,
    maxWaiting: number,
  ) {
    this.#keeper = keeper;
    this.#timers = timers;
    this.#maxWaiting = maxWaiting;
    keeper.watch(() => this.#tell());
  }

  /**
   * Resolves with the topology once its revision is above `revision`; with undefined if there is none within
   * {@link MAX_NEWS_WAIT_MS}, after {@link end}, or if too many later requests wait.
   *
   * @param gone aborts when nobody waits any more
   */
  after(revision: number, gone: AbortSignal): Promise<Topology | undefined> {
    if (this.#hasEnded || gone.aborted) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const end = (topology?: Topology): void => {
        cancel();
        this.#waiting.delete(waiting);
        resolve(topology);
      };
      const waiting = { revision, end };
      const cancel = this.#timers.after(MAX_NEWS_WAIT_MS, end);
      gone.addEventListener('abort', () => end(), { once: true });
      this.#waiting.add(waiting);
      const [oldest] = this.#waiting;
      if (this.#waiting.size > this.#maxWaiting) oldest?.end();
      this.#tell();
    });
  }

  /** Ends all requests, and those that come later. */
  end(): void {
    this.#hasEnded = true;
    for (const { end } of this.#waiting) end();
  }

  #tell(): void {
    const { current } = this.#keeper;
    if (this.#isResting || current === undefined) return;
    const behind = [...this.#waiting].filter(({ revision }) => revision < current.revision);
    if (behind.length === 0) return;
    for (const { end } of behind.slice(0, ANSWERS_PER_TURN)) end(current);
    this.#isResting = true;
    this.#timers.after(TURN_MS, () => {
      this.#isResting = false;
      this.#tell();
    });
  }
}

/** At most 200 topologies per second, some 20 MB with 100 nodes. */
const ANSWERS_PER_TURN = 20;
const TURN_MS = 100;
