/** A node as cluster clients see it. */
export interface ClusterNode {
  /** 40 hexadecimal digits, as in Redis. */
  readonly id: string;
  readonly host: string;
  readonly port: number;
}

/** Which node serves which partition, for cluster clients. It never changes: a change makes a new map. */
export interface ClusterMap {
  /** The revision of the topology; 0 for a node by itself. */
  readonly revision: number;
  /** The node that answers; undefined if it is not in the topology. */
  readonly self: ClusterNode | undefined;
  /** All nodes that listen for Redis clients. */
  readonly nodes: readonly ClusterNode[];
  /**
   * The nodes that have each partition, 4,096 lists: the primary, then the other copies in sync. An empty list: the partition has
   * no primary, or its primary does not listen for Redis clients. Partitions with the same nodes may share a list.
   */
  readonly copies: readonly (readonly ClusterNode[])[];
}

/** The cluster of a node. */
export interface ClusterView {
  /** Returns the present map, the same one as long as nothing changes; undefined while the node is not part of its cluster. */
  current(): ClusterMap | undefined;
  /** Whether this node serves a partition now, although the map may still name another node. */
  serves(partition: number): boolean;
  /** Whether the node is by itself and has all pairs. Only then may one command have keys of several slots. */
  readonly hasAllPairs: boolean;
}
