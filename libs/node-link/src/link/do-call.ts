import { refuseHugeAnswer, whenDone, type MaybePromise } from '@kvs/protocol';
import type { Batch } from '../batch.js';
import type { Answer } from '../codec/answers.js';
import type { NodeOperations } from './node-operations.js';

/**
 * Does one call. The answer is there at once where the operations answer at once.
 *
 * @throws KvsError as the operations do, and `answer_too_large`; or rejects with it
 */
export function doCall(
  operations: NodeOperations,
  id: number,
  batch: Batch,
  maxAnswerBytes: number,
): MaybePromise<Answer> {
  const { kind } = batch;
  const count = batch.items.length;
  switch (kind) {
    case 'set':
      return whenDone(operations.set(batch.items), (outcomes) => ({
        id,
        kind,
        outcomes: whole(outcomes, count),
      }));
    case 'delete':
      return whenDone(operations.delete(batch.items), (outcomes) => ({
        id,
        kind,
        outcomes: whole(outcomes, count),
      }));
    case 'query':
      return whenDone(operations.query(batch.items), (outcomes) => ({
        id,
        kind,
        outcomes: whole(outcomes, count),
      }));
    case 'fetch':
      return whenDone(operations.fetch(batch.items, maxAnswerBytes), (outcomes) => {
        refuseHugeAnswer(batch.items, outcomes, maxAnswerBytes);
        return { id, kind, outcomes: whole(outcomes, count) };
      });
  }
}

function whole<O>(outcomes: readonly O[], count: number): readonly O[] {
  if (outcomes.length !== count) throw new TypeError(`${count} items have ${outcomes.length} outcomes`);
  return outcomes;
}
