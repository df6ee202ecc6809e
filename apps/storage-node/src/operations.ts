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
  /** The chunks may be empty: see `NodeOperations` of `@kvs/node-link`. */
  scanLines(request: ScanRequest, epoch?: number): PairLines;
  stats(): MaybePromise<NodeStats>;
}

/**
 * Returns the answer to a scan of this process. If it is closed, the lines fail at the next chunk, so a scan ends soon also if it
 * finds nothing. Empty chunks are left out.
 */
export function scanAnswer(lines: PairLines): ScanAnswer {
  let isClosed = false;
  async function* untilClosed(): PairLines {
    for await (const chunk of lines) {
      if (isClosed) throw new KvsError('invalid_request', 'the scan was closed');
      if (chunk.length > 0) yield chunk;
    }
  }
  return { missingNodes: [], lines: untilClosed(), close: () => void (isClosed = true) };
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
