import type { EntryChange, EntryRequest } from '@kvs/topology';
import type { ReplicaTimes } from './settings.js';

/** A request for a change that may still be made. */
interface PendingRequest extends EntryRequest {
  readonly askedMs: number;
}

/** `soon`: nobody waits for the change, so it goes together with others. Each change of the topology costs all nodes something. */
export type Urgency = 'now' | 'soon';

/**
 * The requests of a process for changes of entries. A request stays pending until the process sees the entry at a later epoch,
 * because an answer may be lost and the change be made at any moment (R2). At most one request for a partition is sent in
 * `repeatMs`.
 */
export class Requests {
  readonly #times: ReplicaTimes;
  readonly #nowMs: () => number;
  readonly #send: (requests: readonly EntryRequest[]) => void;
  readonly #pending = new Map<number, PendingRequest[]>();
  readonly #lastMs = new Map<number, number>();
  #outbox: EntryRequest[] = [];
  /** When the outbox must be sent. */
  #dueMs = Infinity;

  constructor(times: ReplicaTimes, nowMs: () => number, send: (requests: readonly EntryRequest[]) => void) {
    this.#times = times;
    this.#nowMs = nowMs;
    this.#send = send;
  }

  /**
   * Asks for a change, unless something was asked a moment ago. Returns whether it did. If an earlier request is overdue, asks
   * for a rewrite instead, which settles all of them: the change itself may be impossible.
   */
  ask(partition: number, epoch: number, wanted: EntryChange, urgency: Urgency = 'now'): boolean {
    const nowMs = this.#nowMs();
    if (nowMs - (this.#lastMs.get(partition) ?? -Infinity) < this.#times.repeatMs) return false;
    this.#lastMs.set(partition, nowMs);
    const change: EntryChange = this.#isOverdue(partition) ? { kind: 'rewrite' } : wanted;
    const request = { partition, epoch, change };
    this.#outbox.push(request);
    this.#dueMs = Math.min(this.#dueMs, urgency === 'now' ? nowMs : nowMs + this.#times.gatherMs);
    const pending = this.#pending.get(partition) ?? [];
    const isKnown = pending.some((one) => one.epoch === epoch && isSameChange(one.change, change));
    if (!isKnown) this.#pending.set(partition, [...pending, { ...request, askedMs: nowMs }]);
    return true;
  }

  /** Forgets the requests that an entry of this epoch settles. */
  settle(partition: number, epoch: number): void {
    const pending = this.#pending.get(partition);
    if (pending === undefined) return;
    this.#outbox = this.#outbox.filter(
      (request) => request.partition !== partition || request.epoch >= epoch,
    );
    const left = pending.filter((request) => request.epoch >= epoch);
    if (left.length > 0) this.#pending.set(partition, left);
    else {
      this.#pending.delete(partition);
      this.#lastMs.delete(partition);
    }
  }

  /** Returns whether a change of this partition may still be made. */
  isPending(partition: number, matches: (change: EntryChange) => boolean = () => true): boolean {
    return this.#pending.get(partition)?.some(({ change }) => matches(change)) === true;
  }

  /** Asks for a rewrite if a request waits for so long that another one should settle it (R2). */
  settleOverdue(partition: number, epoch: number): void {
    if (this.#isOverdue(partition)) this.ask(partition, epoch, { kind: 'rewrite' });
  }

  #isOverdue(partition: number): boolean {
    const nowMs = this.#nowMs();
    const isLate = ({ askedMs }: PendingRequest) => nowMs - askedMs > this.#times.settleMs;
    return this.#pending.get(partition)?.some(isLate) === true;
  }

  /** Sends what was asked since the last time, together, if some of it is due. */
  flush(): void {
    if (this.#outbox.length === 0 || this.#nowMs() < this.#dueMs) return;
    const requests = this.#outbox;
    this.#outbox = [];
    this.#dueMs = Infinity;
    this.#send(requests);
  }
}

function isSameChange(a: EntryChange, b: EntryChange): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
