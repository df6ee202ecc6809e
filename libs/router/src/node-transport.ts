import type {
  AnswerSize,
  DeleteItem,
  DeleteOutcome,
  FetchOutcome,
  ItemFailure,
  Key,
  PairLines,
  QueryOutcome,
  ScanRequest,
  SetItem,
  SetOutcome,
} from '@kvs/protocol';

/**
 * The way to one storage node. A batch comes with the partition of each of its keys, in the order of the items, and with the
 * largest epoch that the router knows of these partitions' entries (0 if it knows none). Batches have one outcome for each item,
 * in order. A node that answers, even with a refusal, gives outcomes; items for which there is no room in the transport fail with
 * `overloaded`. A node that can't be reached or does not answer in time makes the call reject with {@link TransportError}. Where a
 * batch went in parts and only some of them failed so, their items fail as `node_unavailable`, a write with `maybeApplied` unless
 * it was surely not seen. A transport never retries by itself, and never remembers that a node was away.
 */
export interface NodeTransport {
  set(
    items: readonly SetItem[],
    partitions: readonly number[],
    epoch: number,
  ): Promise<readonly SetOutcome[]>;
  /**
   * @param size adds up the values as they come, also those of other nodes. If it is exceeded, the call rejects with
   * `KvsError` of code `answer_too_large`, and keeps no values
   */
  fetch(
    keys: readonly Key[],
    partitions: readonly number[],
    epoch: number,
    size?: AnswerSize,
  ): Promise<readonly FetchOutcome[]>;
  query(keys: readonly Key[], partitions: readonly number[], epoch: number): Promise<readonly QueryOutcome[]>;
  delete(
    items: readonly DeleteItem[],
    partitions: readonly number[],
    epoch: number,
  ): Promise<readonly DeleteOutcome[]>;
  /**
   * Resolves when the node has begun to answer. Rejects with {@link TransportError} when it refuses, and with `KvsError` of code
   * `overloaded` when too many scans are in flight to it.
   */
  scan(request: ScanRequest, epoch: number): Promise<NodeScan>;
  /** As {@link scan}, rejects also when the node refuses. */
  stats(): Promise<NodeStats>;
  close(): void;
}

export interface NodeScan {
  /** In the format of the request. The iteration throws {@link TransportError} if the node does not complete the scan. */
  readonly lines: PairLines;
  /** Stops the scan if the lines were not read to their end. May be called again. */
  close(): void;
}

export interface NodeStats {
  readonly engine: string;
  /** Pairs held. Those past their time to live may count until their memory is reclaimed. */
  readonly keys: number;
}

/** Makes the transport to a node, named by its address `host:port`. Never throws: if the address is of no use, calls fail. */
export type NodeTransportFactory = (address: string) => NodeTransport;

/** How a request to a node failed. */
export type TransportFailure =
  /** The request was not sent: the node surely has not seen it. */
  | 'unconnected'
  /** The connection broke while the request was in flight. */
  | 'broken'
  /** No answer came in time. */
  | 'timeout'
  /** The node refused the request, or its answer is not of the protocol. */
  | 'refused'
  /** The address is a proxy's, which did nothing. */
  | 'loop';

/** A node can't be reached, or its answer was lost or is not usable. */
export class TransportError extends Error {
  override readonly name = 'TransportError';

  constructor(
    readonly failure: TransportFailure,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * A node stopped a scan at a partition that it does not serve. It has sent all pairs of the partitions before it, and none of
 * those from it on.
 */
export class ScanStoppedError extends TransportError {
  constructor(
    readonly partition: number,
    message: string,
  ) {
    super('refused', message);
  }
}

/** Returns the failure of each item of a read whose node was not reached. */
export function readFailure(node: string, { failure, message }: TransportError): ItemFailure {
  const code = failure === 'loop' ? 'loop_detected' : 'node_unavailable';
  return { ok: false, code, message: `${node}: ${message}` };
}

/** As {@link readFailure} for a write, which the node may have applied unless the failure says that it was not sent. */
export function writeFailure(node: string, error: TransportError): ItemFailure {
  const failure = readFailure(node, error);
  return NOTHING_DONE.has(error.failure) ? failure : { ...failure, maybeApplied: true };
}

const NOTHING_DONE: ReadonlySet<TransportFailure> = new Set(['unconnected', 'loop']);
