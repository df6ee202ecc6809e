import { keyId, type ItemFailure, type Key, type KeyId, type Timers } from '@kvs/protocol';
import type { RouteChanges } from './routing-table.js';
import type { Outcomes } from './scatter.js';

/** How requests wait for a partition that no node serves at the moment. */
export interface FailoverOptions {
  /** How long a request waits after its first failure, in milliseconds. Default 5,000. */
  readonly waitMs?: number;
  /** Most requests that wait at once. Further ones fail without waiting. Default 1,024. */
  readonly maxRequests?: number;
  /** Most bytes of keys and values of the requests that wait. Default 64 MiB. */
  readonly maxBytes?: number;
}

/** A batch as far as waiting is concerned. */
export interface FailoverBatch<T, O> {
  readonly items: readonly T[];
  readonly keyOf: (item: T) => Key;
  readonly bytesOf: (item: T) => number;
  /** Whether the order of items on one key matters. */
  readonly isWrite: boolean;
  /** Asks the nodes that serve the items now. */
  readonly attempt: (items: readonly T[]) => Promise<Outcomes<O>>;
}

/** The wait of one request. */
export interface FailoverWait {
  /**
   * Resolves when it is worth an attempt: the routing table has changed, or some time has passed.
   *
   * @returns whether there is time for an attempt
   */
  next(): Promise<boolean>;
  /** Must be called in the end. */
  end(): void;
}

/**
 * Lets requests wait while a partition moves from node to node. Only items that surely were not applied are attempted again:
 * the node did not serve their partition, it was not reached, or they are reads. All waits are bounded in time, number and
 * bytes.
 */
export class Failover {
  #requests = 0;
  #bytes = 0;
  /** How often the table has changed. */
  #changes = 0;
  #isClosed = false;
  readonly #wakers = new Set<() => void>();

  readonly #timers: Timers;
  readonly #options: Required<FailoverOptions>;
  readonly #unwatch: () => void;

  constructor(changes: RouteChanges, timers: Timers, options: FailoverOptions = {}) {
    this.#timers = timers;
    this.#options = { ...DEFAULTS, ...options };
    this.#unwatch = changes.watch(() => {
      this.#changes++;
      this.#wake();
    });
  }

  /** Gives one outcome for each item, in order. Attempts items again as long as they are open and there is time. */
  async settle<T, O extends { readonly ok: true } | ItemFailure>(
    batch: FailoverBatch<T, O>,
  ): Promise<Outcomes<O>> {
    const { items, attempt } = batch;
    const before = this.#changes;
    const first = await attempt(items);
    if (!first.some(isElsewhere)) return first;
    const outcomes = [...first];
    let open = openPositions(batch, outcomes);
    const wait = this.begin(bytesOf(batch, open), before);
    try {
      while (open.length > 0 && (await wait?.next())) {
        const again = await attempt(pick(items, open));
        open.forEach((position, i) => {
          const outcome = again[i];
          if (outcome !== undefined) outcomes[position] = outcome;
        });
        open = openPositions(batch, outcomes);
      }
    } finally {
      wait?.end();
    }
    return outcomes.map((outcome) =>
      isElsewhere(outcome) ? { ...outcome, code: 'node_unavailable' } : outcome,
    );
  }

  /** The number of changes of the table so far, for {@link begin}. */
  get changes(): number {
    return this.#changes;
  }

  /**
   * Begins the wait of a request.
   *
   * @param bytes of its keys and values
   * @param changes how many there had been when the attempt began that failed
   * @returns nothing if too many requests wait already
   */
  begin(bytes: number, changes: number): FailoverWait | undefined {
    const { waitMs, maxRequests, maxBytes } = this.#options;
    const timers = this.#timers;
    const isFull = this.#requests > 0 && this.#bytes + bytes > maxBytes;
    if (isFull || this.#requests >= maxRequests) return undefined;
    this.#requests++;
    this.#bytes += bytes;
    const deadlineMs = timers.nowMs() + waitMs;
    const leftMs = (): number => (this.#isClosed ? 0 : deadlineMs - timers.nowMs());
    let seen = changes;
    return {
      next: async () => {
        if (this.#changes === seen) await this.#nextChange(Math.min(PAUSE_MS, leftMs()));
        seen = this.#changes;
        return leftMs() > 0;
      },
      end: () => {
        this.#requests--;
        this.#bytes -= bytes;
      },
    };
  }

  /** Ends all waits. */
  close(): void {
    this.#isClosed = true;
    this.#unwatch();
    this.#wake();
  }

  /** Resolves at the next change of the table, or after so long. */
  #nextChange(afterMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        cancel();
        this.#wakers.delete(wake);
        resolve();
      };
      const cancel = this.#timers.after(afterMs, wake);
      this.#wakers.add(wake);
    });
  }

  #wake(): void {
    for (const wake of [...this.#wakers]) wake();
  }
}

/** Whether a node did nothing of an item because it does not serve the partition, or was surely not reached. */
function isElsewhere(outcome: { readonly ok: true } | ItemFailure): outcome is ItemFailure {
  if (outcome.ok || outcome.maybeApplied) return false;
  return outcome.code === 'wrong_node' || outcome.code === 'node_unavailable';
}

/**
 * Returns the positions of the items that may be attempted again. A write is not attempted if a later item of its key is
 * settled, because it would overtake that item.
 */
function openPositions<T, O extends { readonly ok: true } | ItemFailure>(
  { items, keyOf, isWrite }: FailoverBatch<T, O>,
  outcomes: Outcomes<O>,
): number[] {
  const open: number[] = [];
  const settled = new Set<KeyId>();
  for (let position = items.length - 1; position >= 0; position--) {
    const [item, outcome] = [items[position], outcomes[position]];
    if (item === undefined || outcome === undefined) continue;
    if (isElsewhere(outcome) && !settled.has(keyId(keyOf(item)))) open.push(position);
    else if (isWrite) settled.add(keyId(keyOf(item)));
  }
  return open.reverse();
}

function bytesOf<T, O>(batch: FailoverBatch<T, O>, positions: readonly number[]): number {
  return pick(batch.items, positions).reduce((bytes, item) => bytes + batch.bytesOf(item), 0);
}

function pick<T>(items: readonly T[], positions: readonly number[]): T[] {
  const wanted = new Set(positions);
  return items.filter((_, position) => wanted.has(position));
}

/** How long a request waits for a change of the table before it makes an attempt anyway. */
const PAUSE_MS = 100;

const DEFAULTS: Required<FailoverOptions> = {
  waitMs: 5000,
  maxRequests: 1024,
  maxBytes: 64 * 1024 * 1024,
};
