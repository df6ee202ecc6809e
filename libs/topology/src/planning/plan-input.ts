import type { NodeReport } from '../control-plane/messages.js';
import type { BootId, Topology } from '../topology.js';

/**
 * The knowledge of a proxy about a process. Times are monotonic, in milliseconds. Both leave out the time in which this
 * proxy stood still.
 */
export interface NodeStatus {
  readonly firstHeardMs: number;
  readonly lastHeardMs: number;
  /** The newest report; undefined if the process has only joined. */
  readonly report: NodeReport | undefined;
}

/** The decisions of an operator about planning. */
export interface PlanSettings {
  /** How long a node may be away before its copies are made anew elsewhere, in milliseconds. */
  readonly replaceAfterMs: number;
  /** Whether a partition whose pairs are lost starts again by itself, or stays offline until an operator acts. */
  readonly whenLost: 'start' | 'offline';
  /** Addresses of nodes that must be there before partitions are assigned for the first time. */
  readonly expectedNodes: readonly string[];
}

export interface PlanInput {
  readonly topology: Topology;
  readonly statuses: ReadonlyMap<BootId, NodeStatus>;
  readonly settings: PlanSettings;
  /** Monotonic, in milliseconds. */
  readonly nowMs: number;
  /** The time of the cluster, in milliseconds since 1970. */
  readonly clusterTimeMs: number;
  /** Returns whether a move of this partition to this process failed, and should not be tried again yet. */
  readonly isPaused: (partition: number, copy: BootId) => boolean;
}
