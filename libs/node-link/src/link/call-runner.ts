import {
  isPromise,
  KeyOrder,
  refuseHugeAnswer,
  whenDone,
  type Limits,
  type MaybePromise,
} from '@kvs/protocol';
import { isWrite, keysOf, weightOf, type Kind } from '../batch.js';
import type { Answer } from '../codec/answers.js';
import type { CallRoom, DecodedBatch, DecodedCall } from '../codec/calls.js';
import type { LinkLimits } from '../codec/hello.js';
import { refusalOf, type Refusal } from '../codec/refusal.js';
import type { NodeOperations } from './node-operations.js';

/** The operations that are counted. */
export type LinkOperation = Kind | 'scan';

/** The limits and counters that the calls of all links of a node share. */
export interface LinkContext {
  readonly limits: Limits;
  readonly linkLimits: LinkLimits;
  /** Counts an operation as in flight until `leave` is called with the same arguments, or returns the refusal. */
  readonly enter: (operation: LinkOperation, bytes: number) => Refusal | undefined;
  readonly leave: (operation: LinkOperation, bytes: number) => void;
  /** Counts a call that was refused because it is not valid. */
  readonly countRefusal: () => void;
  /** Most bytes of values that the unfinished fetches can bring together. A fetch runs in any case if it is alone. */
  readonly maxFetchBytes: number;
  readonly onError: (error: unknown) => void;
}

export interface CallRunnerContext extends LinkContext {
  /** Whether there is memory for further answers. */
  readonly hasRoom: () => boolean;
  readonly answer: (answer: Answer) => void;
  /** Called when {@link CallRunner.waitingBytes} has changed. May close the link. */
  readonly waitingChanged: () => void;
}

/**
 * Runs the calls of one link. Calls start in the order in which they came. While the store works on a call, later calls
 * start too. A call waits for an earlier one on the same key if one of the two is a write.
 *
 * Memory for answers is bounded. No call starts while the link has no room. The values of all unfinished fetches can have at
 * most `maxFetchBytes`, or one fetch runs alone. Later calls wait in order.
 */
export class CallRunner {
  readonly #order = new KeyOrder();
  /** Most bytes of values that the unfinished fetches can bring. */
  #fetchBytes = 0;
  /** Calls that have not started because memory for answers is short, in order. */
  #waiting: DecodedCall[] = [];
  #waitingBytes = 0;
  /** Calls that the store has not answered, and their bytes. */
  #unanswered = 0;
  #unansweredBytes = 0;
  #isClosed = false;

  readonly #operations: NodeOperations;
  readonly #context: CallRunnerContext;

  constructor(operations: NodeOperations, context: CallRunnerContext) {
    this.#operations = operations;
    this.#context = context;
  }

  /** How much more the proxy may send within the limits of the hello. */
  get room(): CallRoom {
    const { maxCallsInFlight, maxBytesInFlight } = this.#context.linkLimits;
    const calls = this.#unanswered + this.#waiting.length;
    const bytes = this.#unansweredBytes + this.#waitingBytes;
    return { calls: maxCallsInFlight - calls, bytes: maxBytesInFlight - bytes, isIdle: calls === 0 };
  }

  /** How many bytes the calls have that have not started. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  run(call: DecodedCall): void {
    if (this.#isClosed) return;
    if (this.#waiting.length === 0 && this.#canStart(call)) {
      this.#start(call);
      return;
    }
    this.#waiting.push(call);
    this.#addWaiting(call, 1);
  }

  /** Starts waiting calls from the front, as far as there is memory. */
  resume(): void {
    const waiting = this.#waiting;
    let started = 0;
    for (const call of waiting) {
      if (this.#isClosed || !this.#canStart(call)) break;
      started++;
      // A call must not find the budget taken by itself.
      this.#addWaiting(call, -1);
      this.#start(call);
    }
    waiting.splice(0, started);
  }

  /** Drops the calls that have not started. */
  close(): void {
    this.#isClosed = true;
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  #addWaiting(call: DecodedCall, sign: 1 | -1): void {
    if ('refusal' in call) return;
    this.#waitingBytes += sign * weightOf(call);
    this.#context.waitingChanged();
  }

  /** Whether there is memory for the answer. */
  #canStart(call: DecodedCall): boolean {
    if (!this.#context.hasRoom()) return false;
    if (this.#fetchBytes === 0 || 'refusal' in call) return true;
    const bytes = this.#maxValueBytesOf(call);
    return bytes === 0 || this.#fetchBytes + bytes <= this.#context.maxFetchBytes;
  }

  /** Most bytes of values that the answer can have. */
  #maxValueBytesOf({ kind, items }: DecodedBatch): number {
    const { maxAnswerBytes, maxValueBytes } = this.#context.limits;
    return kind === 'fetch' ? Math.min(maxAnswerBytes, items.length * maxValueBytes) : 0;
  }

  #start(call: DecodedCall): void {
    const { enter, leave, countRefusal, answer } = this.#context;
    if ('refusal' in call) {
      countRefusal();
      answer(call);
      return;
    }
    const weight = weightOf(call);
    const refusal = enter(call.kind, weight);
    if (refusal !== undefined) return answer({ id: call.id, refusal });
    const done = this.#order.run(
      () => keysOf(call),
      isWrite(call.kind) ? 'exclusive' : 'shared',
      () => this.#attempt(call),
    );
    if (isPromise(done)) return this.#track(call, weight, done);
    leave(call.kind, weight);
    answer(done);
  }

  /** Counts a call as unanswered until its answer is there. */
  #track(call: DecodedBatch, weight: number, answer: Promise<Answer>): void {
    const { leave, onError } = this.#context;
    const valueBytes = this.#maxValueBytesOf(call);
    this.#unanswered++;
    this.#unansweredBytes += weight;
    this.#fetchBytes += valueBytes;
    const finish = (done: Answer): void => {
      this.#unanswered--;
      this.#unansweredBytes -= weight;
      this.#fetchBytes -= valueBytes;
      leave(call.kind, weight); // the next call needs the room
      this.#context.answer(done);
      if (this.#waiting.length > 0) this.resume();
    };
    answer.then(finish).catch(onError);
  }

  #attempt(call: DecodedBatch) {
    try {
      const answer = doCall(this.#operations, call, this.#context.limits.maxAnswerBytes);
      return isPromise(answer) ? answer.catch((error: unknown) => this.#refused(call.id, error)) : answer;
    } catch (error) {
      return this.#refused(call.id, error);
    }
  }

  #refused(id: number, error: unknown): Answer {
    return { id, refusal: refusalOf(error, this.#context.onError) };
  }
}

/**
 * Does one call. The answer is there at once if the operations answer at once.
 *
 * @throws KvsError as the operations do, and `answer_too_large`; or rejects with it
 */
function doCall(
  operations: NodeOperations,
  batch: DecodedBatch,
  maxAnswerBytes: number,
): MaybePromise<Answer> {
  const { id, kind, partitions, epoch } = batch;
  const count = batch.items.length;
  switch (kind) {
    case 'set': {
      const done = operations.set(batch.items, partitions, epoch);
      return whenDone(done, (outcomes) => complete({ id, kind, outcomes }, count));
    }
    case 'delete': {
      const done = operations.delete(batch.items, partitions, epoch);
      return whenDone(done, (outcomes) => complete({ id, kind, outcomes }, count));
    }
    case 'query': {
      const done = operations.query(batch.items, partitions, epoch);
      return whenDone(done, (outcomes) => complete({ id, kind, outcomes }, count));
    }
    case 'fetch': {
      const done = operations.fetch(batch.items, maxAnswerBytes, partitions, epoch);
      return whenDone(done, (outcomes) => {
        refuseHugeAnswer(batch.items, outcomes, maxAnswerBytes);
        return complete({ id, kind, outcomes }, count);
      });
    }
  }
}

function complete(answer: Exclude<Answer, { readonly refusal: Refusal }>, count: number): Answer {
  const { length } = answer.outcomes;
  if (length !== count) throw new TypeError(`${count} items have ${length} outcomes`);
  return answer;
}
