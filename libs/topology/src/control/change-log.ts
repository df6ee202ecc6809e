import { hasRole, type BootId, type PartitionEntry, type Topology } from '../topology.js';
import type { ControlLog } from './ports.js';

/** Tells operators what changes of the topology mean: copies took over, copies are being made anew, all copies are there. */
export class ChangeLog {
  readonly #log: ControlLog;
  readonly #isHeard: (bootId: BootId) => boolean;
  #isIncomplete = false;
  #failoverCount = 0;

  /** @param isHeard whether a process reports, so that a new primary follows it by a planned hand-over */
  constructor(log: ControlLog, isHeard: (bootId: BootId) => boolean) {
    this.#log = log;
    this.#isHeard = isHeard;
  }

  /** In how many partitions another process took over from a primary that was gone. */
  get failoverCount(): number {
    return this.#failoverCount;
  }

  note(before: Topology, topology: Topology): void {
    this.#notePromotions(before, topology);
    this.#noteDrained(before, topology);
    const short = topology.partitions.filter((entry) => isShort(topology, entry)).length;
    const isIncomplete = short > 0;
    const wasIncomplete = this.#isIncomplete;
    this.#isIncomplete = isIncomplete;
    if (isIncomplete && !wasIncomplete)
      this.#log.info({ partitions: short }, `copies of ${short} partitions are being made anew`);
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
      if (from === undefined || to === undefined || from === to || this.#isHeard(from)) return;
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
}

function isAssigned({ partitions }: Topology): boolean {
  return partitions.every(({ primary }) => primary !== undefined);
}

/** Returns whether a partition that was assigned has fewer copies than wanted. */
export function isShort({ copies }: Topology, { primary, inSync }: PartitionEntry): boolean {
  return primary !== undefined && inSync.length < copies;
}
