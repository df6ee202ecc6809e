import type { BootId, Topology } from '@kvs/topology';
import type { Leases } from './leases.js';
import type { Partition } from './partition.js';
import type { ReplicaTimes } from './settings.js';

/** Judges which other processes have been silent for too long. */
export class Silence {
  readonly #bootId: BootId;
  readonly #leases: Leases;
  readonly #times: ReplicaTimes;
  /** The processes that the topology says have ended. */
  #ended: ReadonlySet<BootId> = new Set();

  /** @param bootId that of this process */
  constructor(bootId: BootId, leases: Leases, times: ReplicaTimes) {
    this.#bootId = bootId;
    this.#leases = leases;
    this.#times = times;
  }

  /** The node knows a newer topology. */
  learn({ ended }: Topology): void {
    this.#ended = new Set(ended.map(({ bootId }) => bootId));
  }

  hasEnded(bootId: BootId): boolean {
    return this.#ended.has(bootId);
  }

  /** Whether a copy has ended, or has been silent for so long that its primary must look at it. */
  hasSilentCopy({ primary, entry }: Partition, nowMs: number): boolean {
    if (primary === undefined || entry === undefined) return false;
    for (const copy of entry.inSync) if (copy !== this.#bootId && this.isCopySilent(copy, nowMs)) return true;
    return false;
  }

  isCopySilent(copy: BootId, nowMs: number): boolean {
    const { leaseMs, beaconMs } = this.#times;
    return this.hasEnded(copy) || this.#leases.silentMs(copy, nowMs) > leaseMs - beaconMs;
  }

  /** @param sinceMs since when this node has been a copy under the primary */
  isPrimarySilent(primary: BootId, sinceMs: number, nowMs: number): boolean {
    return nowMs - Math.max(this.#leases.heardMs(primary), sinceMs) > this.#times.graceMs;
  }
}
