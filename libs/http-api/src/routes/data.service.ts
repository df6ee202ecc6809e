import { Inject, Injectable } from '@nestjs/common';
import {
  deleteAnswer,
  fetchAnswer,
  incrementAnswer,
  incremented,
  KvsError,
  OrderedOperations,
  queryAnswer,
  refuseHugeAnswer,
  setAnswer,
  touchAnswer,
  touched,
  whenDone,
  type DeleteItem,
  type IncrementItem,
  type IncrementOutcome,
  type ItemFailure,
  type Key,
  type MaybePromise,
  type SetItem,
  type TouchItem,
  type TouchOutcome,
  type UpdateOutcome,
  type WireAnswer,
} from '@kvs/protocol';
import { LIMITS, OPERATIONS, type KeyValueOperations, type Limits } from '../tokens.js';

/**
 * The batch operations, from checked items to the status and body of the answer.
 */
@Injectable()
export class DataService {
  readonly #operations: KeyValueOperations;
  readonly #limits: Limits;
  /** For updates, so that those of this process don't conflict. */
  readonly #ordered: OrderedOperations;

  constructor(@Inject(OPERATIONS) operations: KeyValueOperations, @Inject(LIMITS) limits: Limits) {
    this.#operations = operations;
    this.#limits = limits;
    this.#ordered = new OrderedOperations(operations);
  }

  set(items: readonly SetItem[], meta: boolean): MaybePromise<WireAnswer<unknown>> {
    return whenDone(this.#operations.set(items), (outcomes) => setAnswer(items, outcomes, meta));
  }

  /** @throws KvsError `answer_too_large` */
  fetch(keys: readonly Key[], meta: boolean): MaybePromise<WireAnswer<unknown>> {
    const { maxAnswerBytes } = this.#limits;
    return whenDone(this.#operations.fetch(keys, maxAnswerBytes), (outcomes) => {
      refuseHugeAnswer(keys, outcomes, maxAnswerBytes);
      return fetchAnswer(keys, outcomes, meta);
    });
  }

  query(keys: readonly Key[]): MaybePromise<WireAnswer<unknown>> {
    return whenDone(this.#operations.query(keys), (outcomes) => queryAnswer(keys, outcomes));
  }

  delete(items: readonly DeleteItem[], meta: boolean): MaybePromise<WireAnswer<unknown>> {
    return whenDone(this.#operations.delete(items), (outcomes) => deleteAnswer(items, outcomes, meta));
  }

  async touch(items: readonly TouchItem[]): Promise<WireAnswer<unknown>> {
    const update = (item: TouchItem): MaybePromise<UpdateOutcome<TouchOutcome>> =>
      this.#ordered.update(item.key, (entry) => touched(item, entry));
    return touchAnswer(items, await updateAll(items, update));
  }

  async increment(items: readonly IncrementItem[]): Promise<WireAnswer<unknown>> {
    const update = (item: IncrementItem): MaybePromise<UpdateOutcome<IncrementOutcome>> =>
      this.#ordered.update(item.key, (entry) => incremented(item, entry));
    return incrementAnswer(items, await updateAll(items, update));
  }
}

/** Does some updates at a time, because each holds a value in memory. Those of one key are done in order. */
async function updateAll<T, O extends { readonly ok: true }>(
  items: readonly T[],
  update: (item: T) => MaybePromise<UpdateOutcome<O | ItemFailure>>,
): Promise<(O | ItemFailure)[]> {
  const outcomes: (O | ItemFailure)[] = [];
  for (let from = 0; from < items.length; from += MAX_CONCURRENT_UPDATES) {
    const some = items.slice(from, from + MAX_CONCURRENT_UPDATES);
    outcomes.push(...(await Promise.all(some.map((item) => outcomeOf(() => update(item))))));
  }
  return outcomes;
}

/** An error is the outcome of its item, because other items may be done. */
async function outcomeOf<O extends { readonly ok: true }>(
  update: () => MaybePromise<UpdateOutcome<O | ItemFailure>>,
): Promise<O | ItemFailure> {
  try {
    const outcome = await update();
    return outcome.ok ? outcome.result : outcome;
  } catch (error) {
    if (!(error instanceof KvsError)) throw error;
    return { ok: false, code: error.code, message: error.message };
  }
}

const MAX_CONCURRENT_UPDATES = 16;
