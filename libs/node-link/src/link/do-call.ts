import { refuseHugeAnswer, whenDone, type MaybePromise } from '@kvs/protocol';
import type { Answer } from '../codec/answers.js';
import type { DecodedBatch } from '../codec/calls.js';
import type { NodeOperations } from './node-operations.js';

/**
 * Does one call. The answer is there at once if the operations answer at once.
 *
 * @throws KvsError as the operations do, and `answer_too_large`; or rejects with it
 */
export function doCall(
  operations: NodeOperations,
  batch: DecodedBatch,
  maxAnswerBytes: number,
): MaybePromise<Answer> {
  const { id, kind, partitions } = batch;
  const count = batch.items.length;
  switch (kind) {
    case 'set':
      return whenDone(operations.set(batch.items, partitions), (outcomes) => ({
        id,
        kind,
        outcomes: complete(outcomes, count),
      }));
    case 'delete':
      return whenDone(operations.delete(batch.items, partitions), (outcomes) => ({
        id,
        kind,
        outcomes: complete(outcomes, count),
      }));
    case 'query':
      return whenDone(operations.query(batch.items, partitions), (outcomes) => ({
        id,
        kind,
        outcomes: complete(outcomes, count),
      }));
    case 'fetch':
      return whenDone(operations.fetch(batch.items, maxAnswerBytes, partitions), (outcomes) => {
        refuseHugeAnswer(batch.items, outcomes, maxAnswerBytes);
        return { id, kind, outcomes: complete(outcomes, count) };
      });
  }
}

function complete<O>(outcomes: readonly O[], count: number): readonly O[] {
  if (outcomes.length !== count) throw new TypeError(`${count} items have ${outcomes.length} outcomes`);
  return outcomes;
}
