import { answerTooLarge, leastBytes, type AnswerSize, type ErrorCode, type ItemFailure } from '@kvs/protocol';
import type { TransportError } from '@kvs/router/transport';
import type { BatchPart } from '../batch-parts.js';
import { isWrite, type ItemOf, type Kind, type OpenCallOf, type OutcomeOf } from '../batch.js';
import { AnswerReader, type Answered } from '../codec/answers.js';
import type { FrameCursor } from '../codec/frame-cursor.js';
import type { LinkLimits } from '../codec/hello.js';
import { CallTable } from './call-table.js';

/** The calls that were sent over one connection and that the node has not answered. */
export class CallsInFlight {
  readonly #pending = new CallTable<Call>();
  readonly #answers = new AnswerReader<Call>(
    (id) => this.#pending.get(id),
    (call) => this.#received(call),
  );
  #bytes = 0;
  #awaited = 0;

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

  /** Whether nobody waits for a call. */
  get isIdle(): boolean {
    return this.#awaited === 0;
  }

  /** The oldest call that somebody waits for. Sorts all calls to find it. */
  get oldest(): Call | undefined {
    return this.#pending.oldestFirst().find(({ settled }) => !settled);
  }

  /** Whether the node may be sent the call. A call of any size may be sent if no other is unanswered. */
  hasRoomFor(call: Call, { maxCallsInFlight, maxBytesInFlight }: LinkLimits): boolean {
    if (this.#pending.size >= maxCallsInFlight) return false;
    return this.#bytes === 0 || this.#bytes + call.weight <= maxBytesInFlight;
  }

  /** @returns the id of the call */
  add(call: Call): number {
    this.#bytes += call.weight;
    this.#awaited++;
    return this.#pending.add(call);
  }

  /** Whether so many calls were never answered that the others will soon lack room. Sorts all calls. */
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
      this.#awaited--;
      call.reject(error);
    }
  }

  /** Fails all calls, because the connection is lost. */
  fail(error: TransportError): void {
    const calls = this.#pending.oldestFirst();
    this.#pending.clear();
    this.#awaited = 0;
    for (const call of calls) if (!call.settled) call.reject(error);
  }

  #settle({ id, call, refusal }: Answered<Call>): void {
    this.#pending.delete(id);
    this.#bytes -= call.weight;
    if (call.settled) return;
    this.#awaited--;
    if (refusal === undefined) call.complete();
    else {
      const failure = refusalFailure(this.#address, refusal.code, refusal.message);
      call.failItems(isWrite(call.kind) ? withDoubt(failure) : failure);
    }
  }

  #received(call: Call): void {
    const wasAwaited = !call.settled;
    call.received();
    if (wasAwaited && call.settled) this.#awaited--;
  }
}

/** A call in flight: its items, the outcomes that have come, and the promise of its caller. */
export class PendingCall<K extends Kind> implements OpenCallOf<K> {
  readonly outcomes: OutcomeOf<K>[] = [];
  /** How many outcomes were added to `size`, and the bytes of their values. */
  #seen = 0;
  #bytes = 0;
  /** When the caller stops waiting, by the clock of the transport. */
  deadlineMs = 0;
  /** Whether the caller has the outcome. A later answer is ignored. */
  settled = false;

  readonly items: readonly ItemOf[K][];
  readonly partitions: readonly number[];
  readonly weight: number;
  readonly #resolve: (outcomes: readonly OutcomeOf<K>[]) => void;
  readonly #reject: (error: unknown) => void;
  readonly #size: AnswerSize | undefined;

  /** @param size adds up the values of a fetch */
  constructor(
    readonly kind: K,
    { items, partitions, weight }: BatchPart<ItemOf[K]>,
    readonly epoch: number,
    resolve: (outcomes: readonly OutcomeOf<K>[]) => void,
    reject: (error: unknown) => void,
    size?: AnswerSize,
  ) {
    this.items = items;
    this.partitions = partitions;
    this.weight = weight;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#size = size;
  }

  /** Further outcomes have come. A settled call doesn't keep them. A call settles if its answer becomes too large. */
  received(): void {
    if (!this.settled) this.#addToSize(this.outcomes);
    if (this.settled) this.outcomes.fill(NOT_KEPT);
  }

  /** Settles the call with this outcome of each item. */
  failItems(failure: ItemFailure): void {
    this.complete(new Array<ItemFailure>(this.items.length).fill(failure));
  }

  /** Settles the call with the outcomes that have come, or with others. */
  complete(outcomes: readonly OutcomeOf<K>[] = this.outcomes): void {
    this.#addToSize(outcomes);
    if (this.settled) return;
    this.settled = true;
    this.#resolve(outcomes);
  }

  /** Rejects the promise of the caller: with a `TransportError`, `answer_too_large`, or a defect. */
  reject(error: Error): void {
    this.settled = true;
    this.#size?.add(-this.#bytes);
    this.outcomes.fill(NOT_KEPT);
    this.#reject(error);
  }

  #addToSize(outcomes: readonly OutcomeOf<K>[]): void {
    const size = this.#size;
    if (size === undefined) return;
    let bytes = 0;
    for (; this.#seen < outcomes.length; this.#seen++) bytes += bytesOf(outcomes[this.#seen]);
    this.#bytes += bytes;
    size.add(bytes);
    if (size.isExceeded) this.reject(answerTooLarge(size.maxBytes));
  }
}

export type Call = { readonly [K in Kind]: PendingCall<K> }[Kind];

/**
 * Makes a call, and has it submitted.
 *
 * @param size adds up the values of a fetch
 */
export function callWith<K extends Kind>(
  kind: K,
  part: BatchPart<ItemOf[K]>,
  epoch: number,
  submit: (call: PendingCall<K>) => void,
  size?: AnswerSize,
): Promise<readonly OutcomeOf<K>[]> {
  return new Promise((resolve, reject) => {
    submit(new PendingCall(kind, part, epoch, resolve, reject, size));
  });
}

function bytesOf(outcome: OutcomeOf<Kind> | undefined): number {
  const hasValue = outcome?.ok === true && 'entry' in outcome && outcome.entry !== null;
  return hasValue ? leastBytes(outcome.entry.value) : 0;
}

/** Replaces an outcome that nobody waits for. */
const NOT_KEPT: ItemFailure = Object.freeze({ ok: false, code: 'internal_error', message: 'not kept' });

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
