import type { NodeReport, PrimaryOrder } from '../control-plane/messages.js';
import type { EntryRequest } from '../topology-changes.js';
import type { BootId, Topology } from '../topology.js';
import { balanceCopies, fillGaps, spreadZones, withdrawLearners } from './copies.js';
import { Draft } from './draft.js';
import { assignFirst } from './first-assignment.js';
import { balancePrimaries } from './primaries.js';
import { promoteCopies, startLost } from './recovery.js';
import type { Bounds } from './shares.js';
import { shareOut } from './shared-store.js';
import { removeSurplus } from './surplus.js';

/** The knowledge of a proxy about a process. Times are monotonic, in milliseconds. */
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

/** A partition that nothing serves until something outside of the plan happens. */
export interface StalledPartition {
  readonly partition: number;
  /** `unavailable`: copies may come back. `lost`: all in-sync copies are gone, and `whenLost` or a directory forbids a start. */
  readonly state: 'unavailable' | 'lost';
  /** The processes whose return would help. */
  readonly awaited: readonly BootId[];
}

/** The changes that are due now. An empty plan means that the topology is as wanted, or that nothing can be done at present. */
export interface Plan {
  readonly requests: readonly EntryRequest[];
  /** For the primary of each partition, by its boot id. */
  readonly orders: ReadonlyMap<BootId, readonly PrimaryOrder[]>;
  /** Nodes that have joined completely, by id. */
  readonly activated: readonly string[];
  /** The ceiling of versions, if it must rise. */
  readonly versionCeiling: number | undefined;
  readonly stalled: readonly StalledPartition[];
  /** The expected addresses that no node in reach has, while the first assignment waits for them. */
  readonly missing: readonly string[];
  /** How many copies each node should have. */
  readonly shares: ReadonlyMap<BootId, Bounds>;
}

/**
 * Returns what the controller should ask for now. It is a function of its input alone: a controller that has just taken over
 * goes on where the last one stopped. Repairs come first, and moves that only balance come last. Every step reads the loads
 * that the steps before it leave behind. O(nodes · moves + 4,096 · copies).
 */
export function plan(input: PlanInput): Plan {
  const steps = planInSteps(input);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** As {@link plan}, but yields before each step, so that a caller can do other work between them. */
export function* planInSteps(input: PlanInput): Generator<void, Plan, void> {
  const draft = new Draft(input);
  const steps = input.topology.sharedStore === undefined ? STEPS : [shareOut];
  for (const step of steps) {
    yield;
    step(draft);
  }
  yield;
  return draft.finish();
}

const STEPS: readonly ((draft: Draft) => void)[] = [
  assignFirst,
  promoteCopies,
  startLost,
  withdrawLearners,
  removeSurplus,
  fillGaps,
  spreadZones,
  balanceCopies,
  balancePrimaries,
];
