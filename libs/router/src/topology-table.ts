import type { Topology } from '@kvs/topology';
import type { PartitionRoute, RouteChanges, RoutingTable } from './routing-table.js';

/** The table that follows the topology of a cluster: each partition is served by its primary. */
export class TopologyTable implements RoutingTable {
  #topology: Topology | undefined;
  #addresses: ReadonlyMap<string, string> = new Map();
  readonly #listeners = new Set<() => void>();

  /** The newest topology that the table knows. */
  get topology(): Topology | undefined {
    return this.#topology;
  }

  get nodes(): readonly string[] {
    return [...this.#addresses.values()];
  }

  /** Returns nothing also if the primary's process is no node of the topology any more, because it has started again. */
  routeOf(partition: number): PartitionRoute | undefined {
    const entry = this.#topology?.partitions[partition];
    if (entry?.primary === undefined) return undefined;
    const node = this.#addresses.get(entry.primary);
    return node === undefined ? undefined : { node, epoch: entry.epoch };
  }

  /** Follows a topology, unless it is older than the known one. */
  learn(topology: Topology): void {
    if (topology.revision <= (this.#topology?.revision ?? 0)) return;
    this.#topology = topology;
    this.#addresses = new Map(topology.nodes.map(({ bootId, address }) => [bootId, address]));
    for (const listener of this.#listeners) listener();
  }

  readonly changes: RouteChanges = {
    watch: (listener) => {
      this.#listeners.add(listener);
      return () => void this.#listeners.delete(listener);
    },
  };
}
