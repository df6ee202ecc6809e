import type { NodeStats } from '@kvs/node-link';
import {
  KvsError,
  type DeleteItem,
  type DeleteOutcome,
  type FetchOutcome,
  type Key,
  type KeyValueOperations,
  type MaybePromise,
  type PairLines,
  type QueryOutcome,
  type ScanAnswer,
  type ScanRequest,
  type SetItem,
  type SetOutcome,
} from '@kvs/protocol';

/** The operations of a node, as links and HTTP call them: without partitions and epoch if the caller knows none. */
export interface Operations extends KeyValueOperations {
  set(
    items: readonly SetItem[],
    partitions?: readonly number[],
    epoch?: number,
  ): MaybePromise<readonly SetOutcome[]>;
  fetch(
    keys: readonly Key[],
    maxBytes?: number,
    partitions?: readonly number[],
    epoch?: number,
  ): MaybePromise<readonly FetchOutcome[]>;
  query(
    keys: readonly Key[],
    partitions?: readonly number[],
    epoch?: number,
  ): MaybePromise<readonly QueryOutcome[]>;
  delete(
    items: readonly DeleteItem[],
    partitions?: readonly number[],
    epoch?: number,
  ): MaybePromise<readonly DeleteOutcome[]>;
  scan(request: ScanRequest): Promise<ScanAnswer>;
  scanLines(request: ScanRequest, epoch?: number): PairLines;
  stats(): MaybePromise<NodeStats>;
}

/**
 * The operations of a node that must not serve: only statistics are answered.
 *
 * @param reason by default, that the node has not joined its cluster yet
 */
export function refusing(operations: Pick<Operations, 'stats'>, reason = NOT_JOINED): Operations {
  const refuse = (): never => {
    throw new KvsError('not_ready', reason);
  };
  return {
    set: refuse,
    fetch: refuse,
    query: refuse,
    delete: refuse,
    scan: async () => refuse(),
    scanLines: refuse,
    stats: () => operations.stats(),
  };
}

export const NOT_JOINED = 'the node has not joined its cluster yet';
