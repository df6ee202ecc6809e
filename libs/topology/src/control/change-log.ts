import { isStartAfterLoss } from '../entry-changes.js';
import { hasRole, type BootId, type PartitionEntry, type Topology } from '../topology.js';
import type { NodeReports } from './node-reports.js';
import type { ControlLog } from './ports.js';

/**
 * Tells operators what changes of the topology mean: copies took over, pairs were lost, copies are missing, all copies are
 * there.
 */
export class ChangeLog {
  readonly #log: ControlLog;
  readonly #reports: NodeReports;
  #isIncomplete = false;
  #failoverCount = 0;
  #lossCount = 0;

  constructor(log: ControlLog, reports: NodeReports) {
    this.#log = log;
    this.#reports = reports;
  }

  /** In how many partitions another process took over from a primary that was gone. */
  get failoverCount(): number {
    return this.#failoverCount;
  }

  /** How many partitions started again without acknowledged writes. */
  get lossCount(): number {
    return this.#lossCount;
  }

  note(before: Topology, topology: Topology): void {
    this.#notePromotions(before, topology);
    this.#noteLosses(before, topology);
    this.#noteDrained(before, topology);
    const short = topology.partitions.filter((entry) => isShort(topology, entry)).length;
    const isIncomplete = short > 0;
    const wasIncomplete = this.#isIncomplete;
    this.#isIncomplete = isIncomplete;
    if (isIncomplete && !wasIncomplete)
      this.#log.info({ partitions: short }, `${short} partitions lack copies`);
    if (!isIncomplete && (wasIncomplete || (!isAssigned(before) && isAssigned(topology))))
      this.#log.info({ copies: topology.copies }, 'done: all partitions have all their copies');
  }

  #noteDrained(before: Topology, topology: Topology): void {
    for (const { id, bootId, state } of topology.nodes) {
      const hasCopies = ({ partitions }: Topology) => partitions.some((entry) => hasRole(entry, bootId));
      if (state === 'draining' && hasCopies(before) && !hasCopies(topology))
        this.#log.info({ node: id }, `${id} is drained: it has no copies any more, and can be stopped`);
    }
  }

  #notePromotions(before: Topology, topology: Topology): void {
    const counts = new Map<string, { from: BootId; to: BootId; partitions: number }>();
    topology.partitions.forEach(({ primary: to }, partition) => {
      const { primary: from, inSync = [] } = before.partitions[partition] ?? {};
      if (from === undefined || to === undefined || from === to) return;
      if (this.#reports.isHeard(from, LIVELY_MS)) return; // a planned hand-over
      const hadPairs = topology.sharedStore !== undefined || inSync.includes(to);
      if (!hadPairs) return; // the partition started again after a loss
      this.#failoverCount++;
      const key = `${from} ${to}`;
      const known = counts.get(key);
      counts.set(key, { from, to, partitions: (known?.partitions ?? 0) + 1 });
    });
    const name = (bootId: BootId) =>
      [...topology.nodes, ...before.nodes].find((node) => node.bootId === bootId)?.id ?? bootId;
    for (const { from, to, partitions } of counts.values()) {
      const details = { from: name(from), to: name(to), partitions };
      this.#log.info(
        details,
        `${topology.sharedStore === undefined ? 'copy promoted: ' : ''}${details.to} takes over ${partitions} partitions of ${details.from}`,
      );
    }
  }

  #noteLosses(before: Topology, { sharedStore, partitions }: Topology): void {
    if (sharedStore !== undefined) return;
    const lost = partitions.flatMap((entry, partition) => {
      const old = before.partitions[partition];
      return old !== undefined && isStartAfterLoss(old, entry) ? [{ partition, primary: entry.primary }] : [];
    });
    if (lost.length === 0) return;
    this.#lossCount += lost.length;
    const empty = lost.filter(
      ({ partition, primary }) => primary !== undefined && !this.#reports.holds(primary, partition),
    ).length;
    this.#log.warn(
      { partitions: lost.length, empty, first: lost[0]?.partition },
      `${lost.length} partitions start again because all their copies are gone, ${empty} of them empty; acknowledged writes are lost`,
    );
  }
}

/** A primary that reported so lately handed its partition over. A copy takes one over only after a longer silence. */
const LIVELY_MS = 2000;

function isAssigned({ partitions }: Topology): boolean {
  return partitions.every(({ primary }) => primary !== undefined);
}

/** Returns whether a partition that was assigned has fewer copies than wanted. */
export function isShort({ copies }: Topology, { primary, inSync }: PartitionEntry): boolean {
  return primary !== undefined && inSync.length < copies;
}
