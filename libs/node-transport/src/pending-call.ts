import type { ItemFailure } from '@kvs/protocol';
import type { TransportError } from '@kvs/router';
import type { ItemOf, Kind, OutcomeListOf, OutcomeOf } from './batch.js';

/** A call on its way: what is asked, what has been answered of it, and whom to tell. */
export class PendingCall<K extends Kind> implements OutcomeListOf<K> {
  readonly outcomes: OutcomeOf<K>[] = [];
  /** When whoever made the call stops waiting, by the clock of the transport. */
  deadlineMs = 0;
  /** Whether the caller has been told: an answer that comes later is for nobody. */
  settled = false;
  /** Those that were sent together with it. */
  company: Company | undefined;
  /** Told, once, that the call is settled. */
  whenSettled: (() => void) | undefined;

  constructor(
    readonly kind: K,
    readonly items: readonly ItemOf[K][],
    readonly weight: number,
    private readonly resolve: (outcomes: readonly OutcomeOf<K>[]) => void,
    private readonly reject: (error: unknown) => void,
  ) {}

  complete(): void {
    this.completeWith(this.outcomes);
  }

  /** Every item fails for one reason. */
  failAll(failure: ItemFailure): void {
    this.completeWith(new Array<ItemFailure>(this.items.length).fill(failure));
  }

  /** With outcomes that came in one piece. */
  completeWith(outcomes: readonly OutcomeOf<K>[]): void {
    this.settled = true;
    this.resolve(outcomes);
    if (this.whenSettled !== undefined) this.whenSettled();
  }

  /** With a `TransportError`, or with whatever a defect throws. */
  fail(error: TransportError | Error): void {
    this.settled = true;
    this.reject(error);
    if (this.whenSettled !== undefined) this.whenSettled();
  }
}

export type Call = { readonly [K in Kind]: PendingCall<K> }[Kind];

/** How many of the calls that were sent together are unanswered. */
export interface Company {
  open: number;
}

/** Takes a call and sees to it that it is settled. */
export interface CallSink {
  submit(call: Call): void;
}

/**
 * Makes a call, and has it submitted.
 *
 * @param weight what `weightOf` says of the batch
 */
export function callWith<K extends Kind>(
  kind: K,
  items: readonly ItemOf[K][],
  weight: number,
  submit: (call: PendingCall<K>) => void,
): Promise<readonly OutcomeOf<K>[]> {
  return new Promise((resolve, reject) => {
    submit(new PendingCall(kind, items, weight, resolve, reject));
  });
}
