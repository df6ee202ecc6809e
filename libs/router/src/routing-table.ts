import { HashRing } from '@kvs/hash-ring';

/** Where a partition is served. */
export interface PartitionRoute {
  /** The address of the node, `host:port`. */
  readonly node: string;
  /** The epoch of the partition's entry in the topology; 0 if there is no topology. */
  readonly epoch: number;
}

/** Which node serves each partition. A router asks the table at its start and after each change. */
export interface RoutingTable {
  /** The addresses of all nodes, each once. */
  readonly nodes: readonly string[];
  /** Returns where a partition is served, by one of `nodes`, or undefined while no node serves it. Constant time. */
  routeOf(partition: number): PartitionRoute | undefined;
  /** How the table changes; undefined if it never does. */
  readonly changes: RouteChanges | undefined;
}

/** The changes of a {@link RoutingTable}. */
export interface RouteChanges {
  /** Calls the listener after each change. Returns a function that ends the calls. */
  watch(listener: () => void): () => void;
}

/** The table of a fixed list of nodes: the ring assigns partitions to them, and nothing changes. */
export class FixedNodes implements RoutingTable {
  readonly nodes: readonly string[];
  readonly changes = undefined;
  readonly #ring: HashRing<object>;

  /** @param nodes their addresses, `host:port`, each once */
  constructor(nodes: readonly string[], ring: HashRing<object> = new HashRing(nodes)) {
    this.nodes = nodes;
    this.#ring = ring;
  }

  routeOf(partition: number): PartitionRoute {
    return { node: this.#ring.owner(partition).id, epoch: 0 };
  }
}
