import type { EntryRequest } from '../topology-changes.js';
import type { BootId, NodeIdentity, NodeState, Topology } from '../topology.js';

/*
 * The requests between nodes and proxies about the topology. They are JSON over HTTP, so that a person can follow them:
 *
 *   POST /cluster/nodes              JoinRequest        → TopologyAnswer     at a proxy
 *   GET  /cluster/topology           nothing            → TopologyAnswer     at a proxy
 *   GET  /cluster/topology?after=7   nothing            → TopologyAnswer     at a proxy, once it knows revision 8
 *   POST /cluster/entries            EntriesRequest     → TopologyAnswer     at a proxy
 *   POST /cluster/nodes/{id}/status  NodeReport         → ReportAnswer       at a proxy
 *   PATCH /cluster/nodes/{id}        NodeUpdate         → nothing            at a proxy
 *   PATCH /cluster                   SettingsUpdate     → nothing            at a proxy
 *   POST /cluster/lost/start         nothing            → how many start     at the proxy that leads
 *   POST /cluster/invitation         Invitation         → nothing            at a node
 *   POST /cluster/promotions         PromotionQuestion  → PromotionAnswer    at a node
 */

/**
 * The document that the sender means. A proxy refuses a request of another cluster. A store whose revision is below the one
 * here has lost changes, so the proxy refuses to go on with it.
 */
export interface SenderKnowledge {
  /** Undefined if the sender has never seen a topology. */
  readonly clusterId: string | undefined;
  /** The highest revision that the sender knows; 0 for none. */
  readonly revision: number;
}

/** A node asks to be part of the cluster, or says that it has started again. It may repeat the request. */
export interface JoinRequest extends SenderKnowledge {
  readonly node: NodeIdentity;
  /** The id of the store that the node shares with others; undefined if its pairs are its own. */
  readonly sharedStore: string | undefined;
}

/**
 * The newest topology, freshly read from the store. The answer to a request with `after` is the newest that the proxy knows; there
 * is none (204) if no higher revision comes for some seconds.
 */
export interface TopologyAnswer {
  readonly topology: Topology;
  /** The time of the cluster as the proxy knows it, in milliseconds since 1970. Expiry follows it. */
  readonly timeMs: number;
}

/** A node asks for changes of entries. The answer's topology shows which of them were made. */
export interface EntriesRequest extends SenderKnowledge {
  readonly by: BootId;
  readonly requests: readonly EntryRequest[];
}

/** The report of a node on itself, about every second. A node that has something new may report at once. */
export interface NodeReport extends SenderKnowledge {
  readonly bootId: BootId;
  /** The revision up to which the node knows every entry. What the report says of partitions follows those. Undefined from an older kvs. */
  readonly wholeRevision: number | undefined;
  /** The time of the cluster as the node knows it, in milliseconds since 1970. */
  readonly timeMs: number;
  /** True in the last report of a process that ends in order. */
  readonly isEnding: boolean;
  /** True in the reports of a process that hands its partitions over and then ends. Absent in those of an older kvs. */
  readonly isLeaving?: boolean | undefined;
  /** How many bytes its pairs take, in memory or on the disk. */
  readonly usedBytes: number;
  /** How many bytes more it can take; undefined for no limit that it knows. */
  readonly freeBytes: number | undefined;
  /** The highest version that it has given or was told. */
  readonly highestVersion: number;
  /** Partitions of which it has all pairs up to a position, and is no in-sync copy, but perhaps the learner. */
  readonly held: readonly HeldPartition[];
  /** The learners that it is filling as primary. */
  readonly fills: readonly FillProgress[];
  /** Moves that failed since its last report. The node does not repeat them if no proxy answers. */
  readonly failures: readonly MoveFailure[];
}

export interface HeldPartition {
  readonly partition: number;
  /** The last effect that it applied: the epoch in which the effect arose, and its number. */
  readonly position: { readonly epoch: number; readonly number: number };
}

export interface FillProgress {
  readonly partition: number;
  readonly learner: BootId;
  /** How many bytes of pairs were sent so far. */
  readonly sentBytes: number;
}

export interface MoveFailure {
  readonly partition: number;
  /** The learner that was to be filled, or the copy that was to become primary. */
  readonly copy: BootId;
  /** For operators, such as "out of memory". */
  readonly reason: string;
}

/** The answer of a proxy to a report. */
export interface ReportAnswer {
  /** The highest revision that the proxy knows. A node that knows less fetches the topology. */
  readonly revision: number;
  readonly timeMs: number;
  /** The URL of the proxy that leads, if it is another one. Reports are of use there only. */
  readonly leader: string | undefined;
  /** How many bytes of fills the node may send per second; undefined for no limit. */
  readonly transferBytesPerSecond: number | undefined;
  readonly orders: readonly PrimaryOrder[];
  /** The processes that are about to end, so that nothing can be handed over to them. Only the proxy that leads knows them. */
  readonly leaving: readonly BootId[] | undefined;
}

/** A change that the controller wants and only a primary may ask for. A primary at another epoch ignores the order. */
export type PrimaryOrder =
  /** Let the in-sync copy `to` become primary, by a planned hand-over. */
  | { readonly kind: 'handOver'; readonly partition: number; readonly epoch: number; readonly to: BootId }
  /** Remove an in-sync copy that is one too many. */
  | { readonly kind: 'remove'; readonly partition: number; readonly epoch: number; readonly copy: BootId };

/** A proxy invites a node to join at it. */
export interface Invitation {
  /** The URL of the proxy. */
  readonly proxy: string;
  /** The address by which the proxy knows the node. A node without an id of its own takes it as its id. */
  readonly address: string;
}

/**
 * A proxy is about to make a process primary, and asks whether that is still wanted. Without promotions, it asks whether the
 * process still runs. A node refuses a question to another process.
 */
export interface PromotionQuestion {
  readonly clusterId: string;
  readonly bootId: BootId;
  readonly promotions: readonly { readonly partition: number; readonly epoch: number }[];
}

export interface PromotionAnswer {
  /** The partitions that the node still agrees to become primary of. */
  readonly partitions: readonly number[];
}

/** The changes that an operator makes to a node. */
export interface NodeUpdate {
  readonly weight?: number;
  readonly zone?: string;
  readonly state?: Exclude<NodeState, 'joining'>;
}
