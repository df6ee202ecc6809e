import type { PartitionEntry, Topology } from '@kvs/topology';

/** What a process knows of the topology: its newest document, and later entries that other processes told it. */
export class Knowledge {
  #topology: Topology | undefined;
  #highestEpoch = 0;
  readonly #entries: (PartitionEntry | undefined)[] = [];

  /** The newest whole document; undefined before the first. */
  get topology(): Topology | undefined {
    return this.#topology;
  }

  /** The revision up to which the process knows every entry. */
  get wholeRevision(): number {
    return this.#topology?.revision ?? 0;
  }

  /** The highest revision of which the process knows anything. */
  get revision(): number {
    return Math.max(this.wholeRevision, this.#highestEpoch);
  }

  /** Adopts a newer document. Calls back for each entry that it changes, unless the partition was never assigned. */
  learn(topology: Topology, changed: (partition: number, entry: PartitionEntry) => void): void {
    if (topology.revision <= this.wholeRevision) return;
    this.#topology = topology;
    topology.partitions.forEach((entry, partition) => {
      if (this.#adopt(partition, entry) && entry.epoch > 0) changed(partition, entry);
    });
  }

  /** Adopts one entry if it is newer. Returns whether it is. */
  tell(partition: number, entry: PartitionEntry): boolean {
    this.#highestEpoch = Math.max(this.#highestEpoch, entry.epoch);
    return this.#adopt(partition, entry);
  }

  #adopt(partition: number, entry: PartitionEntry): boolean {
    const known = this.#entries[partition];
    if (known !== undefined && known.epoch >= entry.epoch) return false;
    this.#entries[partition] = entry;
    return true;
  }
}
