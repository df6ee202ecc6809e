import type { ErrorCode, ItemFailure } from '@kvs/protocol';
import type { TransportError } from '@kvs/router';
import { isWrite } from '../batch.js';
import { AnswerReader, type Answered } from '../codec/answers.js';
import type { FrameCursor } from '../codec/frame-reader.js';
import type { LinkLimits } from '../codec/hello.js';
import type { Call, SentBatch } from '../pending-call.js';
import { PendingCalls } from './pending-calls.js';

/** The calls that were sent over one connection and that the node has not answered. */
export class CallsInFlight {
  readonly #pending = new PendingCalls();
  readonly #answers = new AnswerReader<Call>(
    (id) => this.#pending.get(id),
    (call) => this.#received(call),
  );
  #bytes = 0;
  #answeredBatches = 0;

  readonly #address: string;

  constructor(address: string) {
    this.#address = address;
  }

  /** How many calls are unanswered, also those that nobody waits for. */
  get size(): number {
    return this.#pending.size;
  }

  /** How many bytes of calls are unanswered. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The oldest call that somebody waits for. Linear in the number of calls. */
  get oldest(): Call | undefined {
    return this.#pending.oldestFirst().find(({ settled }) => !settled);
  }

  /** Whether the node may be sent the call. A call of any size may be sent if no other is unanswered. */
  hasRoomFor(call: Call, { maxCallsInFlight, maxBytesInFlight }: LinkLimits): boolean {
    if (this.#pending.size >= maxCallsInFlight) return false;
    return this.#bytes === 0 || this.#bytes + call.weight <= maxBytesInFlight;
  }

  /** @returns the id of the call */
  add(call: Call, batch: SentBatch): number {
    this.#bytes += call.weight;
    call.batch = batch;
    batch.unanswered++;
    return this.#pending.add(call);
  }

  /** Whether so many calls were never answered that the others will soon lack room. Linear in the number of calls. */
  isStuck({ maxCallsInFlight, maxBytesInFlight }: LinkLimits): boolean {
    const abandoned = this.#pending.oldestFirst().filter(({ settled }) => settled);
    const bytes = abandoned.reduce((sum, { weight }) => sum + weight, 0);
    return abandoned.length > maxCallsInFlight / 2 || bytes > maxBytesInFlight / 2;
  }

  /**
   * Reads a frame of answers and settles the calls that are answered.
   *
   * @throws LinkProtocolError
   */
  read(cursor: FrameCursor): void {
    for (const answered of this.#answers.read(cursor)) this.#settle(answered);
  }

  /** Fails the calls whose time is up. The node may still answer them. */
  expire(nowMs: number, error: TransportError): void {
    for (const call of this.#pending.oldestFirst()) {
      if (call.settled) continue;
      if (call.deadlineMs > nowMs) break;
      this.#leaveBatch(call);
      call.fail(error);
    }
  }

  /** Fails all calls, because the connection is lost. */
  fail(error: TransportError): void {
    const calls = this.#pending.oldestFirst();
    this.#pending.clear();
    for (const call of calls) if (!call.settled) call.fail(error);
  }

  /** Returns how many batches were answered since this was last called. */
  drainAnsweredBatches(): number {
    const count = this.#answeredBatches;
    this.#answeredBatches = 0;
    return count;
  }

  #settle({ id, call, refusal }: Answered<Call>): void {
    this.#pending.delete(id);
    this.#bytes -= call.weight;
    this.#leaveBatch(call);
    if (call.settled) return;
    if (refusal === undefined) call.complete();
    else {
      const failure = refusalFailure(this.#address, refusal.code, refusal.message);
      call.failAll(isWrite(call.kind) ? withDoubt(failure) : failure);
    }
  }

  #received(call: Call): void {
    call.received();
    if (call.settled) this.#leaveBatch(call);
  }

  /** The others of a batch wait no more for this call: it is answered, or nobody waits for it. */
  #leaveBatch(call: Call): void {
    const { batch } = call;
    if (batch === undefined) return;
    call.batch = undefined;
    batch.unanswered--;
    if (batch.unanswered === 0) this.#answeredBatches++;
  }
}

/** The codes that clients of the proxy get in place of a node's. */
const CODES_FOR_CLIENTS: Partial<Readonly<Record<ErrorCode, ErrorCode>>> = {
  // To a client, a node that is shutting down is away.
  shutting_down: 'node_unavailable',
  not_ready: 'node_unavailable',
  // A server that does not know the protocol's routes is no storage node. A 404 would be read as an absent key.
  not_found: 'node_error',
  method_not_allowed: 'node_error',
  upgrade_required: 'node_error',
  key_not_found: 'node_error',
  internal_error: 'node_error',
};

/** Returns the failure of each item of a call that a node refused. */
function refusalFailure(node: string, code: ErrorCode, message: string): ItemFailure {
  return { ok: false, code: CODES_FOR_CLIENTS[code] ?? code, message: `${node}: ${message}` };
}

/** A node that failed in an unforeseen way may have applied the write. */
function withDoubt(failure: ItemFailure): ItemFailure {
  return failure.code === 'node_error' ? { ...failure, maybeApplied: true } : failure;
}
