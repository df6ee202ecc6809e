import { PARTITION_COUNT } from '@kvs/protocol';

/**
 * Identifies the pairs that a process holds. A process that keeps its pairs in memory has a new one at every start; one with
 * a directory keeps it beside the data.
 */
export type BootId = string & { readonly [brand]: 'BootId' };

declare const brand: unique symbol;

/** The states of a node. A joining node gets copies, a draining node loses them, and an active node has its share. */
export const NODE_STATES = ['joining', 'active', 'draining'] as const;
/** One of {@link NODE_STATES}. */
export type NodeState = (typeof NODE_STATES)[number];

/** The facts that a node tells when it joins or starts again. */
export interface NodeIdentity {
  /** Names the node for people. It survives restarts, which the boot id may not. */
  readonly id: string;
  /** `host:port`, where proxies and other nodes reach it. */
  readonly address: string;
  /** `host:port`, where Redis clients reach it; absent if it does not listen for them. */
  readonly redisAddress?: string;
  /** Nodes of one zone fail together, so the copies of a partition are spread over zones. Empty: a zone of its own. */
  readonly zone: string;
  /** Its share of partitions, in proportion to the weights of the others. From 0.000001 to 1,000,000. */
  readonly weight: number;
  readonly bootId: BootId;
  /** Whether its pairs survive the end of the process. */
  readonly isDurable: boolean;
  /**
   * How many times processes have started with this boot id: 1 for a node in memory. A directory that does not count higher
   * was restored from a backup, and may lack pairs.
   */
  readonly starts: number;
  /**
   * A random id of this start. Two processes with the same boot id and as many starts, but different ids, mean that the directory was
   * restored from a backup. Absent in documents that were written without it.
   */
  readonly processId?: string;
}

/** A storage node of the cluster. */
export interface TopologyNode extends NodeIdentity {
  readonly state: NodeState;
}

/** A process that has ended and holds a role in some entry. */
export interface EndedProcess {
  readonly bootId: BootId;
  /** Whether its pairs may still lie in a directory. If so, a partition never starts empty in its place by itself. */
  readonly isDurable: boolean;
  /** As in {@link NodeIdentity}, so that a backup of its directory is recognized. Absent if nobody knows. */
  readonly starts?: number;
  readonly processId?: string;
}

/** Which processes have the pairs of a partition. Roles name boot ids, because a restarted node may have lost its pairs. */
export interface PartitionEntry {
  /** The revision of the topology in which this entry changed last. 0: the partition was never assigned. */
  readonly epoch: number;
  /** Serves the partition, and is one of `inSync`. Undefined if the partition was never assigned. */
  readonly primary: BootId | undefined;
  /** The copies that have every acknowledged write. */
  readonly inSync: readonly BootId[];
  /** A copy that is being filled. */
  readonly learner: BootId | undefined;
  /**
   * Whether the partition started again after a loss, and no copy was added since. The primary then gives versions above the ceiling,
   * also if its process ended before it could do so and starts again. Means nothing if the nodes share a store.
   */
  readonly isAfterLoss?: boolean | undefined;
}

/** The one document that says which process has which partition. Each change makes a document with the next revision. */
export interface Topology {
  /** Tells two clusters apart, so that a node never joins the wrong one. */
  readonly clusterId: string;
  /** 1 for the first document; each change adds 1. */
  readonly revision: number;
  /** How many copies of each partition there should be, the primary's included: 1 to {@link MAX_COPIES}. */
  readonly copies: number;
  /** How many copies must be in sync for a write to be accepted: 1 to `copies`. */
  readonly minInSync: number;
  /**
   * The id of the store that all nodes share; undefined if each node has its own pairs. The first node of the cluster decides.
   * Any node can serve any partition of a shared store, so partitions have one copy, and no pairs move.
   */
  readonly sharedStore: string | undefined;
  /** No primary gives a version above this one, so that a partition that starts anew can begin above all given versions. */
  readonly versionCeiling: number;
  /** How often a partition started again without acknowledged writes, because all its copies were gone. */
  readonly lossCount: number;
  /** Ascending by id. */
  readonly nodes: readonly TopologyNode[];
  /** Processes that have ended: each announced its end, or lost its address to another one, or an operator vouches for its end. */
  readonly ended: readonly EndedProcess[];
  /** One entry for each partition, 4,096 in all. */
  readonly partitions: readonly PartitionEntry[];
}

/** Most copies of a partition. */
export const MAX_COPIES = 8;

/**
 * A proxy ignores a revision that a node names, and a node ignores an entry that another node sends, if the number is so much higher
 * than its own. This catches garbage only: members of a cluster trust each other, so smaller numbers are believed.
 */
export const MAX_REVISIONS_AHEAD = 1e9;

/** The decisions of an operator about a new cluster. */
export interface ClusterSettings {
  readonly clusterId: string;
  readonly copies: number;
  readonly minInSync: number;
}

/** Returns the first topology of a cluster: no node, and no partition assigned. */
export function newTopology({ clusterId, copies, minInSync }: ClusterSettings): Topology {
  const unassigned: PartitionEntry = { epoch: 0, primary: undefined, inSync: [], learner: undefined };
  return {
    clusterId,
    revision: 1,
    copies,
    minInSync,
    sharedStore: undefined,
    versionCeiling: 0,
    lossCount: 0,
    nodes: [],
    ended: [],
    partitions: new Array<PartitionEntry>(PARTITION_COUNT).fill(unassigned),
  };
}

/** Returns the node with the boot id, or undefined if no node has it now. O(nodes). */
export function nodeOfBoot(topology: Topology, bootId: BootId): TopologyNode | undefined {
  return topology.nodes.find((node) => node.bootId === bootId);
}

/** Returns the id of the node, or the boot id of a process that is no node any more. */
export function nameOf(topology: Topology, bootId: BootId): string {
  return nodeOfBoot(topology, bootId)?.id ?? bootId;
}

/** Returns whether the process has any role in the partition. */
export function hasRole(entry: PartitionEntry, bootId: BootId): boolean {
  return entry.inSync.includes(bootId) || entry.learner === bootId;
}
