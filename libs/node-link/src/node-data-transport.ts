import {
  DEFAULT_LIMITS,
  type AnswerSize,
  type DeleteItem,
  type DeleteOutcome,
  type FetchOutcome,
  type ItemFailure,
  type Key,
  type QueryOutcome,
  type ScanRequest,
  type SetItem,
  type SetOutcome,
} from '@kvs/protocol';
import {
  readFailure,
  writeFailure,
  type NodeScan,
  type NodeStats,
  type NodeTransport,
  type TransportError,
} from '@kvs/router';
import type { Pool } from 'undici';
import { keyWeight, setWeight, weightOf } from './batch.js';
import { largestFrameBytes, type PairLimits } from './codec/hello.js';
import { connectionPool } from './http/connection-pool.js';
import { openScan } from './http/http-scan.js';
import { ReadBuffers } from './http/read-buffers.js';
import { DEFAULT_LINK_OPTIONS, MAX_HEARTBEAT_MS, type LinkOptions } from './link/link-options.js';
import { callWith, type Call } from './pending-call.js';
import { cutIntoPieces, sendPieces } from './pieces.js';
import type { Timers } from './ports.js';
import { seldom } from './seldom.js';
import { openWay, type NodeProtocol, type Way } from './ways.js';

/** Options of a {@link NodeDataTransport}; those of the link have {@link DEFAULT_LINK_OPTIONS}. */
export interface NodeTransportOptions extends Partial<LinkOptions> {
  /** By what way batches go: `auto` for the link while it is open and HTTP otherwise. Scans always go over HTTP. */
  readonly protocol: NodeProtocol;
  /** How long the node may take to answer a batch, or to send the next part of a scan, in milliseconds. */
  readonly nodeTimeoutMs: number;
  /** Most connections for batches over HTTP. Scans have connections of their own. */
  readonly nodeConnections: number;
  /** Most items that are put together in one batch over HTTP. */
  readonly maxBatchItems: number;
  /** Most bytes of keys and values in an answer over HTTP. Default: 64 MiB. */
  readonly maxAnswerBytes?: number;
  /** How large a pair may be, where that may be more than the 8 MiB of the protocol's defaults: the link takes as much. */
  readonly pairLimits?: PairLimits;
  /** What scans are read into. Several transports can share them, so that less memory is kept; each has its own by default. */
  readonly readBuffers?: ReadBuffers;
  /** Asks the node for its state, which is not the data plane's business. */
  readonly stats: () => Promise<NodeStats>;
}

/** The way to one storage node: batches coalesced, over its link or over HTTP; scans over HTTP. */
export class NodeDataTransport implements NodeTransport {
  readonly #way: Way;
  readonly #scans: Pool;
  readonly #readBuffers: ReadBuffers;
  readonly #timers: Timers;
  readonly #foundProxy: () => void;
  /** The largest piece of a batch, by weight. */
  readonly #pieceBytes: number;

  readonly #address: string;
  readonly #options: NodeTransportOptions;

  /** @throws RangeError for a `heartbeatMs` at which a node would give the link up */
  constructor(address: string, options: NodeTransportOptions) {
    this.#address = address;
    this.#options = options;

    const given = withRoomFor(options.pairLimits, { ...DEFAULT_LINK_OPTIONS, ...options });
    const link = { ...given, onBreach: seldom(given.timers, given.onBreach) };
    const { nodeConnections, maxBatchItems: maxMergedItems } = options;
    const { maxAnswerBytes = DEFAULT_LIMITS.maxAnswerBytes } = options;
    const maxBodyBytes = MAX_TEXT_PER_BYTE * maxAnswerBytes + ITEM_TEXT_BYTES * maxMergedItems;
    const http = { ...link, nodeConnections, maxMergedItems, maxMergedBytes: MAX_MERGED_BYTES, maxBodyBytes };
    if (!(link.heartbeatMs <= MAX_HEARTBEAT_MS)) {
      throw new RangeError(`a heartbeat of ${link.heartbeatMs} ms is beyond ${MAX_HEARTBEAT_MS} ms`);
    }
    this.#pieceBytes = options.protocol === 'http' ? Infinity : link.frameBytes;
    this.#timers = link.timers;
    this.#foundProxy = link.foundProxy;
    this.#readBuffers = options.readBuffers ?? new ReadBuffers();
    this.#scans = connectionPool(address, link, { connections: null, readBuffers: this.#readBuffers });
    this.#way = openWay(options.protocol, address, { link, http });
  }

  set(items: readonly SetItem[]): Promise<readonly SetOutcome[]> {
    return this.#inPieces(items, setWeight, this.#setPiece, this.#failureOfWrite);
  }

  fetch(keys: readonly Key[], size?: AnswerSize): Promise<readonly FetchOutcome[]> {
    if (size === undefined) return this.#inPieces(keys, keyWeight, this.#fetchPiece);
    const send = (piece: readonly Key[]) => this.#fetchPiece(piece, size);
    return this.#inPieces(keys, keyWeight, send, this.#failureOfRead, FETCH_PIECES_AT_ONCE);
  }

  query(keys: readonly Key[]): Promise<readonly QueryOutcome[]> {
    return this.#inPieces(keys, keyWeight, this.#queryPiece);
  }

  delete(items: readonly DeleteItem[]): Promise<readonly DeleteOutcome[]> {
    return this.#inPieces(items, deleteWeight, this.#deletePiece, this.#failureOfWrite);
  }

  scan(request: ScanRequest): Promise<NodeScan> {
    return openScan(this.#scans, request, {
      timeoutMs: this.#options.nodeTimeoutMs,
      timers: this.#timers,
      readBuffers: this.#readBuffers,
      foundProxy: this.#foundProxy,
    });
  }

  stats(): Promise<NodeStats> {
    return this.#options.stats();
  }

  close(): void {
    this.#way.close();
    void this.#scans.destroy();
  }

  readonly #submit = (call: Call): void => this.#way.submit(call);

  readonly #setPiece = (items: readonly SetItem[]) =>
    callWith('set', items, weightOf({ kind: 'set', items }), this.#submit);
  readonly #fetchPiece = (items: readonly Key[], size?: AnswerSize) =>
    callWith('fetch', items, weightOf({ kind: 'fetch', items }), this.#submit, size);
  readonly #queryPiece = (items: readonly Key[]) =>
    callWith('query', items, weightOf({ kind: 'query', items }), this.#submit);
  readonly #deletePiece = (items: readonly DeleteItem[]) =>
    callWith('delete', items, weightOf({ kind: 'delete', items }), this.#submit);

  /**
   * A batch that is larger than a frame should be goes in several, so that others needn't wait behind it for long. Items
   * are applied one by one anyway, and the pieces keep their order.
   */
  #inPieces<T, O>(
    items: readonly T[],
    itemWeight: (item: T) => number,
    send: (piece: readonly T[]) => Promise<readonly O[]>,
    failureOf = this.#failureOfRead,
    maxAtOnce?: number,
  ): Promise<readonly (O | ItemFailure)[]> {
    if (items.length === 1) return send(items);
    if (items.length === 0) return Promise.resolve([]);
    const pieces = cutIntoPieces(items, itemWeight, this.#pieceBytes);
    return pieces.length === 1 ? send(items) : sendPieces(pieces, send, failureOf, maxAtOnce);
  }

  readonly #failureOfRead = (error: TransportError) => readFailure(this.#address, error);
  readonly #failureOfWrite = (error: TransportError) => writeFailure(this.#address, error);
}

function withRoomFor(pair: PairLimits | undefined, link: LinkOptions): LinkOptions {
  if (pair === undefined) return link;
  const maxFrameBytes = Math.max(link.limits.maxFrameBytes, largestFrameBytes(pair));
  return { ...link, limits: { ...link.limits, maxFrameBytes } };
}

function deleteWeight({ key }: DeleteItem): number {
  return keyWeight(key);
}

/** An answer may be as large as all answers may be, and when one of them is too large, no more are asked for. */
const FETCH_PIECES_AT_ONCE = 4;

const MAX_MERGED_BYTES = 1024 * 1024;

/** What a byte takes in JSON where it is escaped, as in `\u0000`. */
const MAX_TEXT_PER_BYTE = 6;
/** What an item of an answer takes in JSON beside its key and value, or with an error in place of the value. */
const ITEM_TEXT_BYTES = 2048;
