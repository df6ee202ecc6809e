import { answerTooLarge, leastBytes, type AnswerSize, type ItemFailure } from '@kvs/protocol';
import type { TransportError } from '@kvs/router';
import type { BatchPart } from './batch-parts.js';
import type { ItemOf, Kind, OutcomeListOf, OutcomeOf } from './batch.js';

/** A call in flight: its items, the outcomes that have come, and the promise of its caller. */
export class PendingCall<K extends Kind> implements OutcomeListOf<K> {
  readonly outcomes: OutcomeOf<K>[] = [];
  /** Adds up the values of a fetch. */
  size: AnswerSize | undefined;
  /** How many outcomes were added to `size`, and the bytes of their values. */
  #seen = 0;
  #bytes = 0;
  /** When the caller stops waiting, by the clock of the transport. */
  deadlineMs = 0;
  /** Whether the caller has the outcome. A later answer is ignored. */
  settled = false;
  /** The calls that were sent together, while this one is unanswered. */
  batch: SentBatch | undefined;

  readonly #resolve: (outcomes: readonly OutcomeOf<K>[]) => void;
  readonly #reject: (error: unknown) => void;

  constructor(
    readonly kind: K,
    readonly items: readonly ItemOf[K][],
    readonly partitions: readonly number[],
    readonly epoch: number,
    readonly weight: number,
    resolve: (outcomes: readonly OutcomeOf<K>[]) => void,
    reject: (error: unknown) => void,
  ) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  complete(): void {
    this.completeWith(this.outcomes);
  }

  /** Further outcomes have come. A settled call doesn't keep them. A call settles if its answer becomes too large. */
  received(): void {
    if (!this.settled && this.size !== undefined) this.#addToSize(this.size, this.outcomes);
    if (this.settled) this.outcomes.fill(NOT_KEPT);
  }

  /** Fails every item for one reason. */
  failAll(failure: ItemFailure): void {
    this.completeWith(new Array<ItemFailure>(this.items.length).fill(failure));
  }

  /** Settles the call with these outcomes. */
  completeWith(outcomes: readonly OutcomeOf<K>[]): void {
    if (this.size !== undefined) this.#addToSize(this.size, outcomes);
    if (this.settled) return;
    this.settled = true;
    this.#resolve(outcomes);
  }

  /** Rejects the promise of the caller: with a `TransportError`, `answer_too_large`, or a defect. */
  fail(error: TransportError | Error): void {
    this.settled = true;
    this.size?.add(-this.#bytes);
    this.outcomes.fill(NOT_KEPT);
    this.#reject(error);
  }

  #addToSize(size: AnswerSize, outcomes: readonly OutcomeOf<K>[]): void {
    let bytes = 0;
    for (; this.#seen < outcomes.length; this.#seen++) bytes += bytesOf(outcomes[this.#seen]);
    this.#bytes += bytes;
    size.add(bytes);
    if (size.isExceeded) this.fail(answerTooLarge(size.maxBytes));
  }
}

function bytesOf(outcome: OutcomeOf<Kind> | undefined): number {
  const hasValue = outcome?.ok === true && 'entry' in outcome && outcome.entry !== null;
  return hasValue ? leastBytes(outcome.entry.value) : 0;
}

/** Replaces an outcome that nobody waits for. */
const NOT_KEPT: ItemFailure = Object.freeze({ ok: false, code: 'internal_error', message: 'not kept' });

export type Call = { readonly [K in Kind]: PendingCall<K> }[Kind];

/** Calls that were sent together. */
export interface SentBatch {
  /** How many of them somebody waits for. */
  unanswered: number;
}

/**
 * Makes a call, and has it submitted.
 *
 * @param size for a fetch, what its values are added to
 */
export function callWith<K extends Kind>(
  kind: K,
  { items, partitions, weight }: BatchPart<ItemOf[K]>,
  epoch: number,
  submit: (call: PendingCall<K>) => void,
  size?: AnswerSize,
): Promise<readonly OutcomeOf<K>[]> {
  return new Promise((resolve, reject) => {
    const call = new PendingCall(kind, items, partitions, epoch, weight, resolve, reject);
    call.size = size;
    submit(call);
  });
}
