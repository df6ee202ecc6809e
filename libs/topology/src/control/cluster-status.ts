import type { Plan } from '../planning/draft.js';
import {
  nameOf,
  type BootId,
  type NodeState,
  type PartitionEntry,
  type Topology,
  type TopologyNode,
} from '../topology.js';
import { fillKey, type NodeReports } from './node-reports.js';
import { isShort } from './state-log.js';

/**
 * The state of a cluster for an operator. Numbers that only the leader knows are null in the answers of other proxies. Each proxy
 * has counters of its own. The names are those of the JSON.
 */
export interface ClusterStatus {
  readonly cluster_id: string;
  readonly revision: number;
  readonly copies: number;
  readonly min_in_sync: number;
  /** The URL of the proxy that leads. */
  readonly leader: string | null;
  readonly nodes: readonly NodeSummary[];
  readonly partitions: {
    readonly unassigned: Partitions;
    /** Served, with fewer copies in sync than wanted. */
    readonly too_few_copies: Partitions;
    /** Fewer copies in sync than writes need. */
    readonly read_only: Partitions;
    /** Not served until a process comes back. Null: ask the leader. */
    readonly unavailable: Partitions | null;
    /** All copies are gone, and an operator must decide. Null: ask the leader. */
    readonly lost: Partitions | null;
    /** In how many this proxy had a copy take over from a primary that was gone, since it was started. */
    readonly failovers: number;
    /** How many started again without acknowledged writes, since the cluster began. */
    readonly restarted_after_loss: number;
  };
  readonly moves: {
    readonly running: number;
    readonly bytes_per_second: number | null;
    /** How many have failed while this proxy led, since it was started. */
    readonly failed: number;
    /** The first few. */
    readonly examples: readonly Move[];
    readonly failures: readonly FailedMove[] | null;
  };
}

/** A set of partitions: how many, and the first few of them. */
export interface Partitions {
  readonly count: number;
  readonly examples: readonly number[];
  /** The processes whose return would help, or the addresses of the nodes that are to join. */
  readonly awaited?: readonly string[];
}

interface NodeSummary {
  readonly id: string;
  readonly address: string;
  readonly zone: string;
  readonly weight: number;
  readonly state: NodeState;
  readonly boot_id: string;
  /** Null: ask the leader. */
  readonly reachable: boolean | null;
  readonly primaries: number;
  /** How many copies it has in sync. */
  readonly copies: number;
  /** Its share of all copies. A node gets and gives copies until it is within 5% of it. Null: ask the leader. */
  readonly wanted_copies: number | null;
  readonly used_bytes: number | null;
  readonly free_bytes: number | null;
}

interface Move {
  readonly partition: number;
  readonly from: string;
  readonly to: string;
  readonly sent_bytes: number | null;
}

interface FailedMove {
  readonly partition: number;
  readonly to: string;
  readonly reason: string;
  readonly at_ms: number;
}

export interface StatusParts {
  readonly topology: Topology;
  readonly reports: NodeReports;
  readonly leader: string | undefined;
  /** The plan of the controller, if this proxy leads. */
  readonly plan: Plan | undefined;
  readonly failoverCount: number;
}

export function statusOf(parts: StatusParts): ClusterStatus {
  const { topology, leader, plan, failoverCount } = parts;
  const { clusterId, revision, copies, minInSync, lossCount, partitions } = topology;
  const where = (test: (entry: PartitionEntry) => boolean) =>
    partitionsOf(partitions.flatMap((entry, partition) => (test(entry) ? [partition] : [])));
  const stalled = (state: string): Partitions | null => {
    if (plan === undefined) return null;
    const found = plan.stalled.filter((one) => one.state === state);
    const awaited = [...new Set(found.flatMap((one) => one.awaited))].map((bootId) =>
      nameOf(topology, bootId),
    );
    return {
      ...partitionsOf(found.map(({ partition }) => partition)),
      ...awaiting(awaited),
    };
  };
  const loads = loadsOf(topology);
  return {
    cluster_id: clusterId,
    revision,
    copies,
    min_in_sync: minInSync,
    leader: leader ?? null,
    nodes: topology.nodes.map((node) => summaryOf(parts, node, loads.get(node.bootId))),
    partitions: {
      unassigned: {
        ...where(({ primary }) => primary === undefined),
        ...awaiting(plan?.missing ?? []),
      },
      too_few_copies: where((entry) => isShort(topology, entry)),
      read_only: where(({ primary, inSync }) => primary !== undefined && inSync.length < minInSync),
      unavailable: stalled('unavailable'),
      lost: stalled('lost'),
      failovers: failoverCount,
      restarted_after_loss: lossCount,
    },
    moves: movesOf(parts),
  };
}

function summaryOf({ reports, plan }: StatusParts, node: TopologyNode, load: Load | undefined): NodeSummary {
  const { id, address, zone, weight, state, bootId } = node;
  const status = plan === undefined ? undefined : reports.statuses.get(bootId);
  const share = plan?.shares.get(bootId)?.fair;
  return {
    id,
    address,
    zone,
    weight,
    state,
    boot_id: bootId,
    reachable: plan === undefined ? null : reports.isHeard(bootId),
    primaries: load?.primaries ?? 0,
    copies: load?.copies ?? 0,
    wanted_copies: share === undefined ? null : Math.round(share),
    used_bytes: status?.report?.usedBytes ?? null,
    free_bytes: status?.report?.freeBytes ?? null,
  };
}

interface Load {
  primaries: number;
  copies: number;
}

/** Counts the partitions of each process with a copy in sync. O(4,096 · copies). */
export function loadsOf({ partitions }: Pick<Topology, 'partitions'>): ReadonlyMap<BootId, Load> {
  const loads = new Map<BootId, Load>();
  for (const { primary, inSync } of partitions) {
    for (const copy of inSync) {
      const load = loads.get(copy) ?? { primaries: 0, copies: 0 };
      load.copies++;
      if (copy === primary) load.primaries++;
      loads.set(copy, load);
    }
  }
  return loads;
}

function movesOf({ topology, reports, plan }: StatusParts): ClusterStatus['moves'] {
  const sent = reports.sentBytes;
  const running = topology.partitions.flatMap(({ primary, learner }, partition) =>
    primary === undefined || learner === undefined ? [] : [{ partition, primary, learner }],
  );
  const failures = reports.failures.latest.map(({ partition, copy, reason, atMs }) => {
    return { partition, to: nameOf(topology, copy), reason, at_ms: atMs };
  });
  return {
    running: running.length,
    bytes_per_second: plan === undefined ? null : reports.fillBytesPerSecond,
    failed: reports.failures.count,
    examples: running.slice(0, MAX_EXAMPLES).map(({ primary, ...fill }) => ({
      partition: fill.partition,
      from: nameOf(topology, primary),
      to: nameOf(topology, fill.learner),
      sent_bytes: sent.get(fillKey(fill)) ?? null,
    })),
    failures: plan === undefined ? null : failures,
  };
}

function awaiting(awaited: readonly string[]): Pick<Partitions, 'awaited'> {
  return awaited.length > 0 ? { awaited } : {};
}

function partitionsOf(numbers: readonly number[]): Partitions {
  return { count: numbers.length, examples: numbers.slice(0, MAX_EXAMPLES) };
}

const MAX_EXAMPLES = 20;
