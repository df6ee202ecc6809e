import { Inject, Injectable } from '@nestjs/common';
import {
  deleteAnswer,
  fetchAnswer,
  queryAnswer,
  refuseHugeAnswer,
  setAnswer,
  whenDone,
  type DeleteItem,
  type Key,
  type MaybePromise,
  type SetItem,
  type WireAnswer,
} from '@kvs/protocol';
import { LIMITS, OPERATIONS, type KeyValueOperations, type Limits } from '../tokens.js';

/**
 * The batch operations, from checked items to the status and body of the answer. The controller and the fast path call it.
 */
@Injectable()
export class DataService {
  readonly #operations: KeyValueOperations;
  readonly #limits: Limits;

  constructor(@Inject(OPERATIONS) operations: KeyValueOperations, @Inject(LIMITS) limits: Limits) {
    this.#operations = operations;
    this.#limits = limits;
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
}
