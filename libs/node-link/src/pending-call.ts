import { answerTooLarge, leastBytes, type AnswerSize, type ItemFailure } from '@kvs/protocol';
import type { TransportError } from '@kvs/router';
import type { ItemOf, Kind, OutcomeListOf, OutcomeOf } from './batch.js';

/** A call on its way: what is asked, what has been answered of it, and whom to tell. */
export class PendingCall<K extends Kind> implements OutcomeListOf<K> {
  readonly outcomes: OutcomeOf<K>[] = [];
  /** What the values of a fetch are added to. */
  size: AnswerSize | undefined;
  /** So many outcomes have been looked at, and had values of so many bytes. */
  #seen = 0;
  #bytes = 0;
  /** When whoever made the call stops waiting, by the clock of the transport. */
  deadlineMs = 0;
  /** Whether the caller has been told: an answer that comes later is for nobody. */
  settled = false;
  /** The calls that were sent together, while this one is unanswered. */
  batch: SentBatch | undefined;

  readonly #resolve: (outcomes: readonly OutcomeOf<K>[]) => void;
  readonly #reject: (error: unknown) => void;

  constructor(
    readonly kind: K,
    readonly items: readonly ItemOf[K][],
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

  /** Further outcomes have come. A call that is settled, or becomes so as its answer is too large, doesn't keep them. */
  received(): void {
    if (!this.settled && this.size !== undefined) this.#addToSize(this.size, this.outcomes);
    if (this.settled) this.outcomes.fill(NOT_KEPT);
  }

  /** Every item fails for one reason. */
  failAll(failure: ItemFailure): void {
    this.completeWith(new Array<ItemFailure>(this.items.length).fill(failure));
  }

  /** With outcomes that came in one piece. */
  completeWith(outcomes: readonly OutcomeOf<K>[]): void {
    if (this.size !== undefined) this.#addToSize(this.size, outcomes);
    if (this.settled) return;
    this.settled = true;
    this.#resolve(outcomes);
  }

  /** With a `TransportError`, with `answer_too_large`, or with whatever a defect throws. */
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

/** In place of an outcome that nobody waits for. */
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
 * @param weight what `weightOf` says of the batch
 * @param size for a fetch, what its values are added to
 */
export function callWith<K extends Kind>(
  kind: K,
  items: readonly ItemOf[K][],
  weight: number,
  submit: (call: PendingCall<K>) => void,
  size?: AnswerSize,
): Promise<readonly OutcomeOf<K>[]> {
  return new Promise((resolve, reject) => {
    const call = new PendingCall(kind, items, weight, resolve, reject);
    call.size = size;
    submit(call);
  });
}
