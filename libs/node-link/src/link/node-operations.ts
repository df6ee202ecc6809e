import type {
  DeleteItem,
  DeleteOutcome,
  FetchOutcome,
  Key,
  MaybePromise,
  PairLines,
  QueryOutcome,
  ScanRequest,
  SetItem,
  SetOutcome,
} from '@kvs/protocol';
import type { NodeStats } from '@kvs/router/transport';

/**
 * The operations of a node that links use. The batch operations are those of `KeyValueOperations`, with the partition of each
 * key and the largest epoch that the proxy knows of these partitions' entries, 0 if it knows none. A method throws, or rejects
 * with, `KvsError` only if it did nothing at all.
 */
export interface NodeOperations {
  readonly set: BatchOperation<SetItem, SetOutcome>;
  readonly fetch: (
    keys: readonly Key[],
    maxBytes: number | undefined,
    partitions: readonly number[],
    epoch: number,
  ) => MaybePromise<readonly FetchOutcome[]>;
  readonly query: BatchOperation<Key, QueryOutcome>;
  readonly delete: BatchOperation<DeleteItem, DeleteOutcome>;
  /**
   * Returns the pairs in the request's format, partition by partition in ascending order. A chunk is empty if the node looked
   * for a while and found no pair.
   *
   * @throws WrongNodeError from the iteration, at the first partition that the node does not serve
   */
  scanLines(request: ScanRequest, epoch: number): PairLines;
  stats(): MaybePromise<NodeStats>;
}

type BatchOperation<T, O> = (
  items: readonly T[],
  partitions: readonly number[],
  epoch: number,
) => MaybePromise<readonly O[]>;
