interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/**
 * Virtual time. Events run one after another in the order of their times, those of one moment in the order in which they were
 * planned. Nothing else happens in the simulated world, so a seed repeats it exactly.
 */
export class Scheduler {
  /** A binary heap by time and order. */
  readonly #heap: Event[] = [];
  #nowMs = 0;
  #planned = 0;
  #count = 0;

  get nowMs(): number {
    return this.#nowMs;
  }

  /** The number of events that ran. */
  get eventCount(): number {
    return this.#count;
  }

  /** Plans an event. A negative delay counts as 0. */
  after(delayMs: number, run: () => void): void {
    this.#push({ atMs: this.#nowMs + Math.max(0, delayMs), order: this.#planned++, run });
  }

  /**
   * Runs events until none is left before the end. Stops early once `isOver` returns true after an event.
   *
   * @throws RangeError after `maxEvents`, because the world never comes to rest
   */
  run(untilMs: number, isOver: () => boolean, maxEvents = 2_000_000): void {
    for (let next = this.#heap[0]; next !== undefined && next.atMs <= untilMs; next = this.#heap[0]) {
      this.#pop();
      this.#nowMs = next.atMs;
      next.run();
      if (++this.#count > maxEvents) throw new RangeError(`more than ${maxEvents} events`);
      if (isOver()) return;
    }
    this.#nowMs = untilMs;
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || isBefore(parent, event)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      let child = heap[below];
      if (child === undefined) break;
      const right = heap[below + 1];
      if (right !== undefined && isBefore(right, child)) {
        child = right;
        below++;
      }
      if (isBefore(last, child)) break;
      heap[at] = child;
      at = below;
    }
    heap[at] = last;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
