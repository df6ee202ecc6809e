import {
  refuseHugeAnswer,
  whenDone,
  type DeleteItem,
  type DeleteOutcome,
  type FetchOutcome,
  type Key,
  type MaybePromise,
  type QueryOutcome,
  type SetItem,
  type SetOutcome,
} from '@kvs/protocol';
import type { Reply } from '../reply.js';
import type { Keyspace } from './keyspace.js';

/** The operations on one pair, each with its item and outcome. */
export interface CallKinds {
  readonly fetch: { readonly item: Key; readonly outcome: FetchOutcome };
  readonly query: { readonly item: Key; readonly outcome: QueryOutcome };
  readonly set: { readonly item: SetItem; readonly outcome: SetOutcome };
  readonly delete: { readonly item: DeleteItem; readonly outcome: DeleteOutcome };
}

export type CallKind = keyof CallKinds;

/** An operation on one pair, and how its outcome becomes a reply. */
export type SingleCall<K extends CallKind = CallKind> = {
  [P in K]: {
    readonly kind: P;
    readonly item: CallKinds[P]['item'];
    /** @throws RedisError, KvsError; TypeError without an outcome */
    readonly answer: (outcome: CallKinds[P]['outcome'] | undefined) => Reply;
  };
}[K];

/** Runs one call by itself. */
export function runCall<K extends CallKind>(call: SingleCall<K>, keyspace: Keyspace): MaybePromise<Reply> {
  return whenDone(BATCHES[call.kind](keyspace, [call.item]), ([outcome]) => call.answer(outcome));
}

/**
 * Runs the items of calls of one kind as one batch. Several fetches fail with `answer_too_large` if their values are large, so
 * that neither all of them take memory together nor reading them keeps others waiting for long. One fetch has no such limit.
 */
export const BATCHES: {
  readonly [K in CallKind]: (
    keyspace: Keyspace,
    items: readonly CallKinds[K]['item'][],
  ) => MaybePromise<readonly CallKinds[K]['outcome'][]>;
} = {
  fetch: ({ operations, limits }, keys) => {
    if (keys.length === 1) return operations.fetch(keys);
    const maxBytes = Math.min(MAX_FETCHED_BYTES, limits.maxAnswerBytes);
    return whenDone(operations.fetch(keys, maxBytes), (outcomes) => {
      // The operations have counted the bytes. But if one of several nodes refused its part, only its items have failed.
      refuseHugeAnswer(keys, outcomes, Infinity);
      return outcomes;
    });
  },
  query: ({ operations }, keys) => operations.query(keys),
  set: ({ operations }, items) => operations.set(items),
  delete: ({ operations }, items) => operations.delete(items),
};

/** About how many bytes of values one batch fetches at most. */
export const MAX_FETCHED_BYTES = 4 * 1024 * 1024;
