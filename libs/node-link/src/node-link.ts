import { Buffer } from 'node:buffer';
import {
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
  TransportError,
  writeFailure,
  type NodeScan,
  type NodeStats,
  type NodeTransport,
} from '@kvs/router';
import { keyWeight, setWeight, weightOf } from './batch.js';
import { sendParts, splitBatch } from './batch-parts.js';
import { largestFrameBytes, type PairLimits } from './codec/hello.js';
import { LinkClient } from './link/link-client.js';
import { DEFAULT_LINK_OPTIONS, MAX_HEARTBEAT_MS, type LinkOptions } from './link/link-options.js';
import { callWith, type Call } from './pending-call.js';
import { seldom } from './seldom.js';
import { MAX_STATS_BYTES, readStats } from './stats.js';

/** Options of a {@link NodeLink}. Most have {@link DEFAULT_LINK_OPTIONS}. */
export interface NodeLinkOptions extends Partial<LinkOptions> {
  readonly nodeTimeoutMs: number;
  /** How large a pair may be. The link takes such pairs also if they are beyond the protocol's default of 8 MiB. */
  readonly pairLimits?: PairLimits;
}

/** The way to one storage node: batches, scans and statistics over its link. */
export class NodeLink implements NodeTransport {
  readonly #client: LinkClient;
  /** The largest part of a batch, by weight. */
  readonly #partBytes: number;

  readonly #address: string;

  /**
   * Begins to open the link.
   *
   * @throws RangeError for a `heartbeatMs` at which a node would close the link
   */
  constructor(address: string, options: NodeLinkOptions) {
    this.#address = address;

    const given = withRoomFor(options.pairLimits, { ...DEFAULT_LINK_OPTIONS, ...options });
    if (!(given.heartbeatMs <= MAX_HEARTBEAT_MS)) {
      throw new RangeError(`a heartbeat of ${given.heartbeatMs} ms is beyond ${MAX_HEARTBEAT_MS} ms`);
    }
    this.#partBytes = given.frameBytes;
    this.#client = new LinkClient(address, { ...given, onBreach: seldom(given.timers, given.onBreach) });
  }

  set(items: readonly SetItem[]): Promise<readonly SetOutcome[]> {
    return this.#inParts(items, setWeight, this.#setPart, this.#failureOfWrite);
  }

  fetch(keys: readonly Key[], size?: AnswerSize): Promise<readonly FetchOutcome[]> {
    if (size === undefined) return this.#inParts(keys, keyWeight, this.#fetchPart);
    const send = (part: readonly Key[]) => this.#fetchPart(part, size);
    return this.#inParts(keys, keyWeight, send, this.#failureOfRead, FETCH_PARTS_AT_ONCE);
  }

  query(keys: readonly Key[]): Promise<readonly QueryOutcome[]> {
    return this.#inParts(keys, keyWeight, this.#queryPart);
  }

  delete(items: readonly DeleteItem[]): Promise<readonly DeleteOutcome[]> {
    return this.#inParts(items, deleteWeight, this.#deletePart, this.#failureOfWrite);
  }

  async scan(scan: ScanRequest): Promise<NodeScan> {
    const stream = this.#client.open({ kind: 'scan', scan });
    await stream.begun();
    return { lines: stream.chunks(), format: scan.format ?? 'lines', close: () => stream.close() };
  }

  async stats(): Promise<NodeStats> {
    const stream = this.#client.open({ kind: 'stats' });
    await stream.begun();
    let text = '';
    for await (const chunk of stream.chunks()) {
      text += Buffer.from(chunk).toString();
      if (text.length > MAX_STATS_BYTES) break;
    }
    const stats = readStats(text);
    if (stats === undefined) throw new TransportError('refused', 'its statistics are not of the protocol');
    return stats;
  }

  close(): void {
    this.#client.close();
  }

  readonly #submit = (call: Call): void => this.#client.submit(call);

  readonly #setPart = (items: readonly SetItem[]) =>
    callWith('set', items, weightOf({ kind: 'set', items }), this.#submit);
  readonly #fetchPart = (items: readonly Key[], size?: AnswerSize) =>
    callWith('fetch', items, weightOf({ kind: 'fetch', items }), this.#submit, size);
  readonly #queryPart = (items: readonly Key[]) =>
    callWith('query', items, weightOf({ kind: 'query', items }), this.#submit);
  readonly #deletePart = (items: readonly DeleteItem[]) =>
    callWith('delete', items, weightOf({ kind: 'delete', items }), this.#submit);

  /**
   * Sends a batch that is larger than a frame as several calls, so that other calls need not wait behind it for long. The
   * parts keep their order.
   */
  #inParts<T, O>(
    items: readonly T[],
    itemWeight: (item: T) => number,
    send: (part: readonly T[]) => Promise<readonly O[]>,
    failureOf = this.#failureOfRead,
    maxAtOnce?: number,
  ): Promise<readonly (O | ItemFailure)[]> {
    if (items.length === 1) return send(items);
    if (items.length === 0) return Promise.resolve([]);
    const parts = splitBatch(items, itemWeight, this.#partBytes);
    return parts.length === 1 ? send(items) : sendParts(parts, send, failureOf, maxAtOnce);
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

/** No more parts are asked for once the answers to those before are too large together. */
const FETCH_PARTS_AT_ONCE = 4;
