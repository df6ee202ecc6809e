import { ALL_PARTITIONS } from '@kvs/protocol';
import { Router, type RouterOptions } from '../router.js';
import type { PartitionRoute, RouteChanges, RoutingTable } from '../routing-table.js';
import { AutoTime } from './auto-time.js';
import { FakeNode } from './fake-node.js';

/** A table that a test changes. The router knows a change once the test announces it. */
export class MovingTable implements RoutingTable {
  nodes: readonly string[];
  #routes: (PartitionRoute | undefined)[];
  #known: readonly (PartitionRoute | undefined)[];
  #epoch = 1;
  readonly #listeners = new Set<() => void>();

  /** Every partition is served by the first node. */
  constructor(nodes: readonly string[]) {
    this.nodes = nodes;
    this.#routes = ALL_PARTITIONS.map(() => ({ node: nodes[0] ?? '', epoch: 1 }));
    this.#known = [...this.#routes];
  }

  routeOf(partition: number): PartitionRoute | undefined {
    return this.#known[partition];
  }

  /** Returns where the partition is, whether or not the router knows it. */
  truthOf(partition: number): PartitionRoute | undefined {
    return this.#routes[partition];
  }

  /** Moves partitions to another node, or to none. Nobody knows yet. */
  move(partitions: Iterable<number>, node: string | undefined): void {
    this.#epoch++;
    for (const partition of partitions)
      this.#routes[partition] = node === undefined ? undefined : { node, epoch: this.#epoch };
  }

  /** How many listeners hear of changes. */
  get listenerCount(): number {
    return this.#listeners.size;
  }

  announce(): void {
    const isSame = ALL_PARTITIONS.every((partition) => this.#known[partition] === this.#routes[partition]);
    if (isSame) return;
    this.#known = [...this.#routes];
    for (const listener of this.#listeners) listener();
  }

  /** Has the listeners look at the nodes. */
  announceNodes(nodes: readonly string[]): void {
    this.nodes = nodes;
    this.#known = [...this.#routes];
    for (const listener of this.#listeners) listener();
  }

  readonly changes: RouteChanges = {
    watch: (listener) => {
      this.#listeners.add(listener);
      return () => void this.#listeners.delete(listener);
    },
  };
}

/** A router over nodes that refuse partitions which they do not serve. */
export class MovingCluster {
  readonly time = new AutoTime();
  readonly table: MovingTable;
  readonly router: Router;
  readonly #nodes = new Map<string, FakeNode>();

  constructor(addresses: readonly string[], options: RouterOptions = {}) {
    this.table = new MovingTable(addresses);
    const connect = (address: string): FakeNode => {
      const node = new FakeNode((partition) => this.table.truthOf(partition)?.node === address);
      this.#nodes.set(address, node);
      return node;
    };
    this.router = new Router(this.table, connect, { timers: this.time, ...options });
  }

  /** Moves partitions to another node, or to none, at a later time, and announces it. */
  moveLater(afterMs: number, partitions: Iterable<number>, node: string | undefined): void {
    this.time.after(afterMs, () => {
      this.table.move(partitions, node);
      this.table.announce();
    });
  }

  /** Moves partitions to another node, or to none, now. The router knows it later. */
  moveUnseen(partitions: Iterable<number>, node: string | undefined): void {
    this.table.move(partitions, node);
    this.time.after(UNSEEN_MS, () => this.table.announce());
  }

  node(address: string): FakeNode {
    const node = this.#nodes.get(address);
    if (node === undefined) throw new TypeError(`no node ${address}`);
    return node;
  }
}

/** How long the router does not know where a partition is, in milliseconds. */
export const UNSEEN_MS = 50;
