import { ALL_PARTITIONS, type Timers } from '@kvs/protocol';
import { CallCounter } from './node-tallies.js';
import { TransportError, type NodeTransport, type NodeTransportFactory } from './node-transport.js';
import type { RoutingTable } from './routing-table.js';

/** A node, and the way there. */
export interface NodeHandle {
  readonly address: string;
  readonly transport: NodeTransport;
  readonly counter: CallCounter;
}

/** Some partitions that one node serves. */
export interface NodeShare {
  readonly node: NodeHandle;
  readonly partitions: readonly number[];
  /** The largest epoch of their entries. */
  readonly epoch: number;
}

/** The nodes of a routing table, and which of them serves each partition. Makes and closes transports as nodes come and go. */
export class NodePool {
  /** The nodes of the table, by address. */
  #nodes = new Map<string, NodeHandle>();
  #byPartition: readonly NodeHandle[] = [];
  /** The epoch of each partition's entry; undefined if partitions never move. */
  #epochs: readonly number[] | undefined;
  /** The nodes that the table does not have any more, until their calls have had time to end. */
  readonly #retired = new Set<NodeHandle>();
  /** In place of a node for the partitions that no node serves. */
  readonly #nobody: NodeHandle = { address: 'unassigned', transport: UNSERVED, counter: new CallCounter() };

  readonly #table: RoutingTable;
  readonly #connect: NodeTransportFactory;
  readonly #timers: Timers;
  readonly #unwatch: () => void;

  /** @throws TypeError when the table names a node that is none of its nodes */
  constructor(table: RoutingTable, connect: NodeTransportFactory, timers: Timers) {
    this.#table = table;
    this.#connect = connect;
    this.#timers = timers;
    this.#follow();
    this.#unwatch = table.changes?.watch(() => this.#follow()) ?? (() => undefined);
  }

  /** All nodes, whether or not they serve partitions. */
  get nodes(): readonly NodeHandle[] {
    return [...this.#nodes.values()];
  }

  /** Returns the node that serves a partition. */
  readonly of = (partition: number): NodeHandle => {
    const node = this.#byPartition[partition];
    if (node === undefined) throw new TypeError(`there is no partition ${partition}`);
    return node;
  };

  /** Returns the largest epoch of the partitions' entries; 0 if partitions never move. */
  epochOf(partitions: readonly number[]): number {
    const epochs = this.#epochs;
    if (epochs === undefined) return 0;
    let largest = 0;
    for (const partition of partitions) largest = Math.max(largest, epochs[partition] ?? 0);
    return largest;
  }

  /** Returns each node that serves some of the partitions, with those, in the order of the nodes. */
  sharesOf(partitions: readonly number[] = ALL_PARTITIONS): NodeShare[] {
    const served = new Map<NodeHandle, number[]>([...this.nodes, this.#nobody].map((node) => [node, []]));
    for (const partition of partitions) served.get(this.of(partition))?.push(partition);
    return Array.from(served, ([node, own]) => ({
      node,
      partitions: own,
      epoch: this.epochOf(own),
    })).filter((share) => share.partitions.length > 0);
  }

  close(): void {
    this.#unwatch();
    for (const { transport } of [...this.nodes, ...this.#retired]) transport.close();
  }

  /** Takes over what the table says now. */
  #follow(): void {
    const before = this.#nodes;
    this.#nodes = new Map(
      this.#table.nodes.map((address) => {
        const known = before.get(address);
        return [address, known ?? { address, transport: this.#connect(address), counter: new CallCounter() }];
      }),
    );
    for (const [address, node] of before) if (!this.#nodes.has(address)) this.#retire(node);
    const entries = ALL_PARTITIONS.map((partition) => this.#table.routeOf(partition));
    this.#byPartition = entries.map((entry) => {
      const node = entry === undefined ? this.#nobody : this.#nodes.get(entry.node);
      if (node === undefined)
        throw new TypeError(`the table names ${entry?.node}, which is none of its nodes`);
      return node;
    });
    if (this.#table.changes !== undefined) this.#epochs = entries.map((entry) => entry?.epoch ?? 0);
  }

  /** Closes the transport to a node that is gone, but not before the calls in flight have had time to end. */
  #retire(node: NodeHandle): void {
    this.#retired.add(node);
    this.#timers.after(RETIRE_MS, () => {
      this.#retired.delete(node);
      node.transport.close();
    });
  }
}

function unserved(): Promise<never> {
  return Promise.reject(new TransportError('unconnected', 'no node serves the partition'));
}

const UNSERVED: NodeTransport = Object.freeze({
  set: unserved,
  fetch: unserved,
  query: unserved,
  delete: unserved,
  scan: unserved,
  stats: unserved,
  close: () => undefined,
});

/** How long calls to a node have to end after it has left the table. */
const RETIRE_MS = 10_000;
