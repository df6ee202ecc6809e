import type { BootId } from '@kvs/topology';
import type { Partition } from './partition.js';
import type { Silence } from './silence.js';

/**
 * Knows which partitions have something to do as time passes, so that a node with thousands of partitions looks at few of them.
 * A partition is looked at from when something happens to it until a tick finds that it waits for nothing.
 */
export class Attention {
  readonly #partitions: ReadonlyMap<number, Partition>;
  readonly #silence: Silence;
  readonly #active = new Set<Partition>();
  #ties: Ties = { copies: new Set(), primaries: new Map() };
  #areTiesKnown = false;

  constructor(partitions: ReadonlyMap<number, Partition>, silence: Silence) {
    this.#partitions = partitions;
    this.#silence = silence;
  }

  /** The partitions that may wait for something. */
  get active(): ReadonlySet<Partition> {
    return this.#active;
  }

  /** Something happens to a partition. */
  touch(partition: Partition): void {
    this.#active.add(partition);
  }

  /** Lets partitions do what is due. Returns whether a primary may have been silent for too long. */
  tick(nowMs: number): boolean {
    const isSilent = this.#isSilent(nowMs);
    if (isSilent) {
      for (const partition of this.#partitions.values())
        if (this.#silence.hasSilentCopy(partition, nowMs)) this.#active.add(partition);
    }
    for (const partition of this.#active) {
      if (partition.isBusy || this.#silence.hasSilentCopy(partition, nowMs)) partition.tick();
      else {
        this.#active.delete(partition);
        this.#areTiesKnown = false;
      }
    }
    return isSilent;
  }

  /** Returns the processes from which this node needs leases. O(partitions) if something happened since the last call. */
  beaconTargets(): ReadonlySet<BootId> {
    if (!this.#areTiesKnown || this.#active.size > 0) this.#ties = tiesOf(this.#partitions.values());
    this.#areTiesKnown = true;
    return this.#ties.copies;
  }

  #isSilent(nowMs: number): boolean {
    const { copies, primaries } = this.#ties;
    for (const copy of copies) if (this.#silence.isCopySilent(copy, nowMs)) return true;
    for (const [primary, sinceMs] of primaries)
      if (this.#silence.isPrimarySilent(primary, sinceMs, nowMs)) return true;
    return false;
  }
}

/** The other nodes on which a node depends. */
interface Ties {
  /** The processes with copies of the partitions that this node serves. They get beacons. */
  readonly copies: ReadonlySet<BootId>;
  /** The primaries of the copies on this node, with the time since when it has had the first of these roles. */
  readonly primaries: ReadonlyMap<BootId, number>;
}

function tiesOf(partitions: Iterable<Partition>): Ties {
  const copies = new Set<BootId>();
  const primaries = new Map<BootId, number>();
  for (const { role, entry, primary, sinceMs } of partitions) {
    primary?.addBeaconTargets(copies);
    if (role === 'copy' && entry?.primary !== undefined)
      primaries.set(entry.primary, Math.min(sinceMs, primaries.get(entry.primary) ?? Infinity));
  }
  return { copies, primaries };
}
