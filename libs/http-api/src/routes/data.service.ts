import { Inject, Injectable } from '@nestjs/common';
import {
  byteLength,
  deleteAnswer,
  fetchAnswer,
  KvsError,
  queryAnswer,
  setAnswer,
  whenDone,
  type DeleteItem,
  type FetchOutcome,
  type Key,
  type MaybePromise,
  type SetItem,
  type WireAnswer,
} from '@kvs/protocol';
import { LIMITS, OPERATIONS, type KeyValueOperations, type Limits } from '../tokens.js';

/**
 * The batch operations, from checked items to the answer's status and body. Both doors lead here: the controller, and the
 * fast lane that goes past Express.
 */
@Injectable()
export class DataService {
  constructor(
    @Inject(OPERATIONS) private readonly operations: KeyValueOperations,
    @Inject(LIMITS) private readonly limits: Limits,
  ) {}

  set(items: readonly SetItem[], meta: boolean): MaybePromise<WireAnswer<unknown>> {
    return whenDone(this.operations.set(items), (outcomes) => setAnswer(items, outcomes, meta));
  }

  /** @throws KvsError `answer_too_large` */
  fetch(keys: readonly Key[], meta: boolean): MaybePromise<WireAnswer<unknown>> {
    return whenDone(this.operations.fetch(keys), (outcomes) => {
      refuseHugeAnswer(keys, outcomes, this.limits.maxAnswerBytes);
      return fetchAnswer(keys, outcomes, meta);
    });
  }

  query(keys: readonly Key[]): MaybePromise<WireAnswer<unknown>> {
    return whenDone(this.operations.query(keys), (outcomes) => queryAnswer(keys, outcomes));
  }

  delete(items: readonly DeleteItem[], meta: boolean): MaybePromise<WireAnswer<unknown>> {
    return whenDone(this.operations.delete(items), (outcomes) => deleteAnswer(items, outcomes, meta));
  }
}

/** Values are checked by size before they become text: the text of all could be larger than a string can be. */
function refuseHugeAnswer(keys: readonly Key[], outcomes: readonly FetchOutcome[], maxBytes: number): void {
  let bytes = 0;
  for (const key of keys) bytes += byteLength(key);
  for (const outcome of outcomes) {
    // What is too much for one node to answer is too much in all, and is told as it is where there is no proxy.
    if (!outcome.ok && outcome.code === 'answer_too_large') throw new KvsError(outcome.code, outcome.message);
    if (outcome.ok && outcome.entry) bytes += byteLength(outcome.entry.value);
  }
  if (bytes <= maxBytes) return;
  throw new KvsError(
    'answer_too_large',
    `the answer would have ${bytes} bytes, at most ${maxBytes} are allowed; ask for fewer keys at a time`,
  );
}
