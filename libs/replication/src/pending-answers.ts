import type { KeyId } from '@kvs/protocol';
import type { NodeContext } from './node-context.js';
import type { ReadAnswer, Refusal, WriteAnswer, WriteBatch, WriteOutcomes } from './ports.js';
import { NOT_PRIMARY } from './refusals.js';
import { MAX_CALL_WAIT_MS } from './settings.js';

/** A write whose answer waits until all copies have its effects. */
export class WriteInFlight {
  /** The number of its last effect, or the number before if it had none; undefined until the engine has answered. */
  number: number | undefined;
  /** When its effects could first be sent. */
  sentMs = Infinity;
  #result: WriteOutcomes | undefined;
  #done: ((answer: WriteAnswer) => void) | undefined;

  constructor(
    readonly ticket: number,
    readonly batch: WriteBatch,
    done: (answer: WriteAnswer) => void,
  ) {
    this.#done = done;
  }

  /** Whether the answer shows the state of a pair, so that it needs leases as a read does (R6). */
  get showsState(): boolean {
    return (
      this.#result?.outcomes.some(({ status }) => status === 'version_mismatch' || status === 'absent') ===
      true
    );
  }

  /** The engine has answered; without a result if it does not know what it wrote. */
  finish(result: WriteOutcomes | undefined, number: number, nowMs: number): void {
    this.#result = result;
    this.number = number;
    this.sentMs = nowMs;
  }

  answer(): void {
    const done = this.#done;
    this.#done = undefined;
    if (this.#result !== undefined) done?.({ kind: 'done', result: this.#result });
  }

  fail(message: string): void {
    const done = this.#done;
    this.#done = undefined;
    done?.({ kind: 'maybeApplied', message });
  }
}

interface HeldRead {
  /** The read waits for all writes up to this ticket. */
  readonly after: number;
  readonly begunMs: number;
  /** Whether all leases were valid at some moment after the read was made. */
  hasLeases: boolean;
  readonly answer: () => void;
  readonly refuse: (refusal: Refusal) => void;
}

/**
 * The answers of a primary that wait: writes for the acknowledgements of all copies (R5), and reads for the writes of their keys that
 * began before (R6) and for leases (R10).
 */
export class PendingAnswers {
  readonly #node: NodeContext;
  readonly #hasLeases: () => boolean;
  /** In the order in which they began, which is the order of their effects. */
  #writes: WriteInFlight[] = [];
  #reads: HeldRead[] = [];
  #tickets = 0;
  /** The last write in flight of each key. */
  readonly #lastTicket = new Map<KeyId, number>();
  /** The highest number that was answered. */
  #answered = 0;

  /** @param hasLeases returns whether all leases are valid now */
  constructor(node: NodeContext, hasLeases: () => boolean) {
    this.#node = node;
    this.#hasLeases = hasLeases;
  }

  get isEmpty(): boolean {
    return this.#writes.length === 0 && this.#reads.length === 0;
  }

  get answered(): number {
    return this.#answered;
  }

  begin(batch: WriteBatch, done: (answer: WriteAnswer) => void): WriteInFlight {
    const ticket = ++this.#tickets;
    for (const { id } of batch.items) this.#lastTicket.set(id, ticket);
    const write = new WriteInFlight(ticket, batch, done);
    this.#writes.push(write);
    return write;
  }

  /** Answers a read that was just made, or keeps it. Returns whether it was kept. */
  hold<T>(keys: readonly KeyId[] | 'all', result: T, done: (answer: ReadAnswer<T>) => void): boolean {
    const hasLeases = this.#hasLeases();
    const after = this.#node.follows('R6') ? this.#lastTicketOf(keys) : 0;
    if (hasLeases && (after === 0 || !this.#isInFlight(after))) {
      done({ kind: 'done', result });
      return false;
    }
    this.#reads.push({
      after,
      begunMs: this.#node.ports.nowMs(),
      hasLeases,
      answer: () => done({ kind: 'done', result }),
      refuse: done,
    });
    return true;
  }

  /** Answers what need not wait any more. */
  release(acknowledged: number): void {
    this.#releaseWrites(acknowledged);
    if (this.#reads.length > 0) this.#releaseReads();
  }

  /** Since when a copy could have acknowledged a write that it has not; undefined if there is none. */
  oldestMs(acknowledged: number): number | undefined {
    return this.#writes.find(({ number }) => number !== undefined && number > acknowledged)?.sentMs;
  }

  /** The writes in flight end with an unknown outcome. Reads still wait for their effects. */
  failWrites(message: string): void {
    for (const write of this.#writes) write.fail(message);
  }

  /** The node is not the primary any more. */
  close(): void {
    const writes = this.#writes;
    const reads = this.#reads;
    this.#writes = [];
    this.#reads = [];
    for (const write of writes)
      write.fail('the node was not the primary any more when the write was in flight');
    for (const read of reads) read.refuse(NOT_PRIMARY);
  }

  #releaseWrites(acknowledged: number): void {
    for (let first = this.#writes[0]; first !== undefined; first = this.#writes[0]) {
      if (first.number === undefined || first.number > acknowledged) return;
      if (first.showsState && !this.#hasLeases()) return;
      this.#writes.shift();
      for (const { id } of first.batch.items)
        if (this.#lastTicket.get(id) === first.ticket) this.#lastTicket.delete(id);
      this.#answered = Math.max(this.#answered, first.number);
      first.answer();
    }
  }

  #releaseReads(): void {
    const hasLeases = this.#hasLeases();
    const nowMs = this.#node.ports.nowMs();
    const reads = this.#reads;
    this.#reads = [];
    for (const read of reads) {
      read.hasLeases ||= hasLeases;
      if (read.hasLeases && !this.#isInFlight(read.after)) read.answer();
      else if (nowMs - read.begunMs > MAX_CALL_WAIT_MS) read.refuse(NOT_PRIMARY);
      else this.#reads.push(read);
    }
  }

  #lastTicketOf(keys: readonly KeyId[] | 'all'): number {
    if (this.#writes.length === 0) return 0;
    if (keys === 'all') return this.#tickets;
    return keys.reduce((last, id) => Math.max(last, this.#lastTicket.get(id) ?? 0), 0);
  }

  #isInFlight(ticket: number): boolean {
    const first = this.#writes[0];
    return first !== undefined && first.ticket <= ticket;
  }
}
