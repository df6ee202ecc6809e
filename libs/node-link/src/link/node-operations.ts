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
import type { NodeStats } from '@kvs/router';

/**
 * What a node does for its links. The batch operations are those of `KeyValueOperations`. A method throws, or rejects with,
 * `KvsError` only if it did nothing at all.
 */
export interface NodeOperations {
  set(items: readonly SetItem[]): MaybePromise<readonly SetOutcome[]>;
  fetch(keys: readonly Key[], maxBytes?: number): MaybePromise<readonly FetchOutcome[]>;
  query(keys: readonly Key[]): MaybePromise<readonly QueryOutcome[]>;
  delete(items: readonly DeleteItem[]): MaybePromise<readonly DeleteOutcome[]>;
  /** Returns the pairs in the request's format. */
  scanLines(request: ScanRequest): PairLines;
  stats(): MaybePromise<NodeStats>;
}
