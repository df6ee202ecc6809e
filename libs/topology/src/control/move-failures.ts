import type { BootId, Topology } from '../topology.js';

export interface RememberedFailure {
  readonly partition: number;
  readonly copy: BootId;
  readonly reason: string;
  /** By the wall clock, in milliseconds since 1970. */
  readonly atMs: number;
}

interface Pause {
  readonly partition: number;
  readonly copy: BootId;
  readonly untilMs: number;
  /** How often the move failed of late. */
  readonly count: number;
}

/** Remembers moves that failed, so that they are not tried again at once, and so that operators learn why. */
export class MoveFailures {
  readonly #pauses = new Map<string, Pause>();
  readonly #latest: RememberedFailure[] = [];
  #count = 0;

  /** The last few failures, newest first. */
  get latest(): readonly RememberedFailure[] {
    return this.#latest;
  }

  /** How many moves have failed. */
  get count(): number {
    return this.#count;
  }

  add(failure: RememberedFailure, nowMs: number): void {
    this.#count++;
    const key = keyOf(failure.partition, failure.copy);
    const last = this.#pauses.get(key);
    // A failure long after the last one has another cause.
    const isFirst = last === undefined || nowMs - last.untilMs > MAX_PAUSE_MS;
    const count = isFirst ? 1 : last.count + 1;
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (count - 1), MAX_PAUSE_MS);
    const { partition, copy } = failure;
    this.#pauses.set(key, { partition, copy, untilMs: nowMs + pauseMs, count });
    this.#latest.unshift(failure);
    this.#latest.splice(MAX_LATEST);
  }

  /** Returns whether the move failed, and should not be tried again yet. */
  isPaused(partition: number, copy: BootId, nowMs: number): boolean {
    if (this.#pauses.size === 0) return false; // plans ask thousands of times
    return (this.#pauses.get(keyOf(partition, copy))?.untilMs ?? 0) > nowMs;
  }

  /** Returns how many moves should not be tried again yet. */
  pausedCount(nowMs: number): number {
    let count = 0;
    for (const { untilMs } of this.#pauses.values()) if (untilMs > nowMs) count++;
    return count;
  }

  /**
   * Forgets the failures of processes that are not registered any more, and those of copies that are in sync since. A copy whose
   * pause has not ended is still to be removed.
   */
  follow({ nodes, partitions }: Topology, nowMs: number): void {
    const bootIds = new Set(nodes.map(({ bootId }) => bootId));
    for (const [key, { partition, copy, untilMs }] of this.#pauses) {
      const isMade = untilMs <= nowMs && partitions[partition]?.inSync.includes(copy) === true;
      if (isMade || !bootIds.has(copy)) this.#pauses.delete(key);
    }
  }
}

function keyOf(partition: number, copy: BootId): string {
  return `${partition} ${copy}`;
}

/** A broken connection is soon back, and a longer failure soon has a long pause. */
const FIRST_PAUSE_MS = 2000;
const MAX_PAUSE_MS = 600_000;
const MAX_LATEST = 20;
