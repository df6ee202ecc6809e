import type { BootId } from '@kvs/topology';
import { PARTITION_COUNT } from '@kvs/protocol';
import type { PlannedCluster } from '@kvs/topology/testing';
import { COPIES, nodeId } from './big-cluster.js';

/** How a cluster makes the copies of a dead node anew. */
export interface Recovery {
  /** The bytes of one partition. */
  readonly partitionBytes: number;
  /** How many copies were made. */
  readonly copies: number;
  readonly mostMovesAtOnce: number;
  /** From the moment when the cluster no longer waits for the node to the end of the last move. */
  readonly durationMs: number;
}

/** The load of the modelled cluster. */
export interface RecoveryLoad {
  /** The bytes of all copies on one node. */
  readonly nodeBytes: number;
  /** How many bytes of fills each node sends per second. */
  readonly bytesPerSecond: number;
}

/**
 * Kills a node and runs the real plans in virtual time until all partitions have their copies again. A controller plans each
 * second, and 100 ms after a change. A primary begins a fill when it learns of it, and divides its bytes per second among its
 * fills.
 */
export function recover(cluster: PlannedCluster, { nodeBytes, bytesPerSecond }: RecoveryLoad): Recovery {
  const nodeCount = cluster.topology.nodes.length;
  const partitionBytes = (nodeBytes * nodeCount) / PARTITION_COUNT / COPIES;
  for (const { id, bootId } of cluster.topology.nodes)
    cluster.setBytes(id, partitionBytes * copiesOf(cluster, bootId), MUCH_MEMORY);
  cluster.silence(nodeId(0));
  const fills = new Fills(cluster, partitionBytes, bytesPerSecond);
  const replacedMs = cluster.nowMs + cluster.settings.replaceAfterMs;
  let isPlanDue = true;
  let plannedMs = cluster.nowMs;
  for (const endMs = cluster.nowMs + LONGEST_MS; cluster.nowMs < endMs;) {
    const { revision } = cluster.topology;
    if (isPlanDue || cluster.nowMs - plannedMs >= PLAN_MS) {
      cluster.step(TICK_MS);
      plannedMs = cluster.nowMs;
    } else cluster.nowMs += TICK_MS;
    fills.begin();
    isPlanDue = fills.advance() || cluster.topology.revision > revision;
    const isDone = cluster.nowMs >= replacedMs && fills.count === 0 && isWhole(cluster);
    if (isDone) {
      const { made: copies, mostAtOnce: mostMovesAtOnce } = fills;
      return { partitionBytes, copies, mostMovesAtOnce, durationMs: cluster.nowMs - replacedMs };
    }
  }
  throw new Error('the copies were not made anew');
}

interface Fill {
  readonly primary: BootId;
  readonly learner: BootId;
  readonly startMs: number;
  bytesLeft: number;
}

/** The fills that run, by partition. */
class Fills {
  made = 0;
  mostAtOnce = 0;
  readonly #running = new Map<number, Fill>();

  constructor(
    readonly cluster: PlannedCluster,
    readonly partitionBytes: number,
    readonly bytesPerSecond: number,
  ) {
    cluster.isFilled = (partition) => this.#running.get(partition)?.bytesLeft === 0;
  }

  get count(): number {
    return this.#running.size;
  }

  /** Follows the topology: forgets fills that have ended, and begins those of new learners. */
  begin(): void {
    this.cluster.topology.partitions.forEach(({ primary, learner }, partition) => {
      const known = this.#running.get(partition);
      if (known !== undefined && known.learner !== learner) {
        this.#running.delete(partition);
        this.made++;
      }
      if (learner === undefined || primary === undefined || this.#running.has(partition)) return;
      const startMs = this.#learnsMs(primary);
      this.#running.set(partition, { primary, learner, startMs, bytesLeft: this.partitionBytes });
    });
    this.mostAtOnce = Math.max(this.mostAtOnce, this.count);
  }

  /** Sends pairs for a tick. Returns whether a fill has just ended. */
  advance(): boolean {
    const begun = [...this.#running.values()].filter(
      ({ startMs, bytesLeft }) => startMs <= this.cluster.nowMs && bytesLeft > 0,
    );
    const counts = new Map<BootId, number>();
    for (const { primary } of begun) counts.set(primary, (counts.get(primary) ?? 0) + 1);
    for (const fill of begun) {
      const sent = (this.bytesPerSecond * TICK_MS) / 1000 / (counts.get(fill.primary) ?? 1);
      fill.bytesLeft = Math.max(0, fill.bytesLeft - sent);
    }
    return begun.some(({ bytesLeft }) => bytesLeft === 0);
  }

  /** The proxy tells all nodes of a new topology in turns. In the meantime, each may learn of it by its report. */
  #learnsMs(bootId: BootId): number {
    const { nowMs, topology } = this.cluster;
    const at = topology.nodes.findIndex((node) => node.bootId === bootId);
    const phaseMs = (at / topology.nodes.length) * REPORT_MS;
    const reportMs = Math.ceil((nowMs - phaseMs) / REPORT_MS) * REPORT_MS + phaseMs;
    return Math.min(reportMs, nowMs + TURN_MS * Math.floor(at / NODES_PER_TURN));
  }
}

function isWhole({ topology }: PlannedCluster): boolean {
  return topology.partitions.every(({ inSync }) => inSync.length >= COPIES);
}

function copiesOf({ topology }: PlannedCluster, bootId: BootId): number {
  return topology.partitions.filter(({ inSync }) => inSync.includes(bootId)).length;
}

const TICK_MS = 100;
const PLAN_MS = 1000;
const REPORT_MS = 1000;
const TURN_MS = 100;
const NODES_PER_TURN = 20;
const LONGEST_MS = 24 * 60 * 60 * 1000;
const MUCH_MEMORY = 1e12;
