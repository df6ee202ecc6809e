import type { KvStore } from '@kvs/kv-store';
import type { ControlPlane, NodeReplica } from '@kvs/replication';
import type {
  BootId,
  NodeIdentity,
  NodeReport,
  ReportAnswer,
  SenderKnowledge,
  Topology,
  TopologyAnswer,
} from '@kvs/topology';
import type { Operations } from '../operations.js';
import type { NodeClock } from './node-clock.js';

/** The part that a node takes in its cluster after it has joined. The engine decides whether it has copies or shares a store. */
export interface ClusterRole {
  readonly bootId: BootId;
  readonly operations: Operations;
  /** The replica of this node; undefined if it shares a store. */
  readonly nodeReplica: NodeReplica | undefined;
  /** The newest topology that the node knows. */
  readonly topology: Topology | undefined;
  /** The highest revision of which the node knows anything. */
  readonly revision: number;
  /** Whether the node serves a partition now. */
  isServing(partition: number): boolean;
  /** The node has got a topology from a proxy. */
  learn(answer: TopologyAnswer): void;
  /** Does what the answer to a report demands. */
  obey(answer: ReportAnswer): void;
  /** Returns what the node says of itself. */
  report(isEnding: boolean): Promise<OwnReport>;
  /**
   * Has other nodes take over partitions before this node ends. Returns how many partitions are left that another node could
   * take. Called again as long as there are some.
   */
  handOverAll(): number;
  /** The process is about to end. The cluster knows, or will soon. */
  leave(): void;
  /** Counts the copies of this node that the controller will have removed before the process ends. */
  countCopiesToRemove(): number;
  /** Counts the partitions that end with this process, because their pairs are in its memory alone. */
  countOnlyCopies(): OnlyCopies;
  /**
   * Whether this node becomes primary of a partition although it leaves: the primary is gone, the pairs are in the memory of this
   * node alone, and another node could get them.
   */
  mustTakeOver(partition: number): boolean;
  /** Ends the links to other nodes. */
  close(): void;
}

export interface OnlyCopies {
  readonly count: number;
  /** How many of them another node gets a copy of. */
  readonly awaited: number;
}

/** A report without what the node knows of the topology, which the client adds. */
export type OwnReport = Omit<NodeReport, keyof SenderKnowledge>;

/** A node that is about to join. */
export interface Candidate {
  /** @throws TypeError before {@link identify} has succeeded */
  readonly bootId: BootId;
  /** Returns what the node tells of its pairs when it joins. Rejects if the engine can't say it now; it may be called again. */
  identify(): Promise<PairsIdentity>;
  /** Takes a new boot id, because the cluster knows that the pairs are older than their boot id says. */
  renew(): Promise<void>;
  /** Begins to take part. Throws if the engine can't say what it has; nothing was begun then, and it may be called again. */
  join(joined: TopologyAnswer, controlPlane: ControlPlane): ClusterRole;
}

/** The part of an identity that depends on the pairs. */
export type PairsIdentity = Pick<NodeIdentity, 'bootId' | 'isDurable' | 'starts'> & {
  /** The id of the store that the node shares with others; undefined if its pairs are its own. */
  readonly sharedStore: string | undefined;
};

/** The parts of the node that all candidates need. */
export interface CandidateParts {
  readonly store: KvStore;
  /** The clock of the engine, which follows that of the cluster. */
  readonly clock: NodeClock;
  /** Returns the monotonic time in milliseconds. */
  readonly nowMs: () => number;
  /** The operations of a node by itself. */
  readonly alone: Operations;
  /** Passes later calls of clients to other operations. */
  readonly use: (operations: Operations) => void;
  readonly log: MemberLog;
  /** Called when no proxy answers. */
  readonly onUnreachable: (error: unknown) => void;
}

/** The part of a logger that a member of a cluster uses. */
export interface MemberLog {
  info(message: string): void;
  warn(message: string): void;
  error(error: unknown, message: string): void;
}
