import type { BootId } from '../topology.js';

export interface RememberedFailure {
  readonly partition: number;
  readonly copy: BootId;
  readonly reason: string;
  /** By the wall clock, in milliseconds since 1970. */
  readonly atMs: number;
}

interface Pause {
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
    const isFirst = last === undefined || nowMs - last.untilMs > LONGEST_PAUSE_MS;
    const count = isFirst ? 1 : last.count + 1;
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (count - 1), LONGEST_PAUSE_MS);
    this.#pauses.set(key, { copy: failure.copy, untilMs: nowMs + pauseMs, count });
    this.#latest.unshift(failure);
    this.#latest.splice(MAX_LATEST);
  }

  /** Returns whether the move should not be tried now. */
  isRecent(partition: number, copy: BootId, nowMs: number): boolean {
    if (this.#pauses.size === 0) return false; // plans ask thousands of times
    return (this.#pauses.get(keyOf(partition, copy))?.untilMs ?? 0) > nowMs;
  }

  /** Forgets the failures of processes that are not registered any more. */
  keepOnly(bootIds: ReadonlySet<BootId>): void {
    for (const [key, { copy }] of this.#pauses) if (!bootIds.has(copy)) this.#pauses.delete(key);
  }
}

function keyOf(partition: number, copy: BootId): string {
  return `${partition} ${copy}`;
}

const FIRST_PAUSE_MS = 30_000;
const LONGEST_PAUSE_MS = 600_000;
const MAX_LATEST = 20;
