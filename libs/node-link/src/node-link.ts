import { Buffer } from 'node:buffer';
import { isRecord, type AnswerSize, type ItemFailure, type ScanRequest } from '@kvs/protocol';
import {
  readFailure,
  TransportError,
  writeFailure,
  type NodeScan,
  type NodeStats,
  type NodeTransport,
} from '@kvs/router/transport';
import { deleteWeight, keyWeight, setWeight, type ItemOf, type Kind, type OutcomeOf } from './batch.js';
import { sendParts, splitBatch, type BatchPart } from './batch-parts.js';
import { callWith, type Call, type PendingCall } from './link/calls-in-flight.js';
import { LinkClient } from './link/link-client.js';
import { FULL_FRAME_BYTES } from './codec/frame.js';
import { DEFAULT_LINK_OPTIONS, type LinkOptions } from './link/link-options.js';
import { seldom } from './ports.js';

/** Options of a {@link NodeLink}. Most have {@link DEFAULT_LINK_OPTIONS}. */
export interface NodeLinkOptions extends Partial<LinkOptions> {
  readonly nodeTimeoutMs: number;
  /** How many items of one call the nodes take. A larger batch goes in several calls. Default: no limit. */
  readonly maxBatchItems?: number;
}

/** The way to one storage node: batches, scans and statistics over its link. */
export class NodeLink implements NodeTransport {
  readonly #client: LinkClient;
  readonly #maxBatchItems: number | undefined;
  readonly #address: string;

  /** Begins to open the link. */
  constructor(address: string, options: NodeLinkOptions) {
    this.#address = address;
    this.#maxBatchItems = options.maxBatchItems;
    const given = { ...DEFAULT_LINK_OPTIONS, ...options };
    this.#client = new LinkClient(address, { ...given, onBreach: seldom(given.timers, given.onBreach) });
  }

  readonly set: NodeTransport['set'] = (items, partitions, epoch) =>
    this.#call(SET, items, partitions, epoch, this.#submit);

  readonly fetch: NodeTransport['fetch'] = (keys, partitions, epoch, size) =>
    this.#call(FETCH, keys, partitions, epoch, this.#submit, size);

  readonly query: NodeTransport['query'] = (keys, partitions, epoch) =>
    this.#call(QUERY, keys, partitions, epoch, this.#submit);

  readonly delete: NodeTransport['delete'] = (items, partitions, epoch) =>
    this.#call(DELETE, items, partitions, epoch, this.#submit);

  async scan(scan: ScanRequest, epoch: number): Promise<NodeScan> {
    const stream = this.#client.open({ kind: 'scan', scan, epoch });
    await stream.begun();
    return { lines: stream.chunks(), close: () => stream.close() };
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

  /** Passed to each `#call`, where the compiler knows the operation. */
  readonly #submit = (call: Call): void => this.#client.submit(call);

  /**
   * Sends a batch that is larger than a frame, or than nodes take, as several calls, so that other calls need not wait behind it
   * for long. The parts keep their order.
   */
  #call<K extends Kind>(
    operation: Operation<K>,
    items: readonly ItemOf[K][],
    partitions: readonly number[],
    epoch: number,
    submit: (call: PendingCall<K>) => void,
    size?: AnswerSize,
  ): Promise<readonly OutcomeOf<K>[]> {
    const { kind, weightOfItem, failureOf } = operation;
    const [first] = items;
    if (first === undefined) return Promise.resolve([]);
    const send = (part: BatchPart<ItemOf[K]>): Promise<readonly OutcomeOf<K>[]> =>
      callWith(kind, part, epoch, submit, size);
    if (items.length === 1) return send({ items, partitions, weight: weightOfItem(first) });
    const parts = splitBatch(items, partitions, weightOfItem, FULL_FRAME_BYTES, this.#maxBatchItems);
    const maxAtOnce = size === undefined ? Infinity : FETCH_PARTS_AT_ONCE;
    return sendParts(parts, send, (error) => failureOf(this.#address, error), maxAtOnce);
  }
}

/** The ways in which the calls of one operation differ from those of others. */
interface Operation<K extends Kind> {
  readonly kind: K;
  readonly weightOfItem: (item: ItemOf[K]) => number;
  readonly failureOf: (node: string, error: TransportError) => ItemFailure;
}

const SET: Operation<'set'> = { kind: 'set', weightOfItem: setWeight, failureOf: writeFailure };
const DELETE: Operation<'delete'> = { kind: 'delete', weightOfItem: deleteWeight, failureOf: writeFailure };
const FETCH: Operation<'fetch'> = { kind: 'fetch', weightOfItem: keyWeight, failureOf: readFailure };
const QUERY: Operation<'query'> = { kind: 'query', weightOfItem: keyWeight, failureOf: readFailure };

/** Reads the statistics of a node from JSON. Returns undefined if the text is anything else. */
function readStats(text: string): NodeStats | undefined {
  let stats: unknown;
  try {
    stats = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(stats)) return undefined;
  const { engine, keys } = stats;
  const isCount = typeof keys === 'number' && Number.isSafeInteger(keys) && keys >= 0;
  return typeof engine === 'string' && isCount ? { engine, keys } : undefined;
}

/** No more parts are asked for once the answers to those before are too large together. */
const FETCH_PARTS_AT_ONCE = 4;

/** The most bytes of statistics that are read. An engine's name and a number are much shorter. */
const MAX_STATS_BYTES = 4096;
