import type { BootId } from '@kvs/topology';
import type { NodeContext } from './node-context.js';
import type { Partition } from './partition.js';
import type { Silence } from './silence.js';

/** R11: notices silent primaries of this node's copies, and asks to promote these copies. */
export class PrimaryWatch {
  readonly #node: NodeContext;
  readonly #partitions: ReadonlyMap<number, Partition>;
  readonly #silence: Silence;
  readonly #finish: () => void;
  /** The silent primaries that this node is about to ask to replace, and when it began to look at each. The read may be lost. */
  readonly #suspected = new Map<BootId, number>();

  /** @param finish called after requests that were made once `look` had returned */
  constructor(
    node: NodeContext,
    partitions: ReadonlyMap<number, Partition>,
    silence: Silence,
    finish: () => void,
  ) {
    this.#node = node;
    this.#partitions = partitions;
    this.#silence = silence;
    this.#finish = finish;
  }

  /** Asks to replace the primaries that have been silent for too long. */
  look(): void {
    for (const [primary, partitions] of this.#silentPrimaries()) {
      if (this.#node.leases.isWithheld(primary))
        for (const partition of partitions) this.#askToReplace(primary, partition);
      else this.#suspect(primary);
    }
  }

  #silentPrimaries(): Map<BootId, Partition[]> {
    const silent = new Map<BootId, Partition[]>();
    const nowMs = this.#node.ports.nowMs();
    for (const partition of this.#partitions.values()) {
      const primary = partition.role === 'copy' ? partition.entry?.primary : undefined;
      if (primary === undefined || !this.#silence.isPrimarySilent(primary, partition.sinceMs, nowMs))
        continue;
      const partitions = silent.get(primary);
      if (partitions === undefined) silent.set(primary, [partition]);
      else partitions.push(partition);
    }
    return silent;
  }

  /** Looks at the input that waits, and then at the topology, before it believes that a primary is gone. */
  #suspect(primary: BootId): void {
    const { ports, times } = this.#node;
    const nowMs = ports.nowMs();
    if (nowMs - (this.#suspected.get(primary) ?? -Infinity) < times.repeatMs) return;
    this.#suspected.set(primary, nowMs);
    const stillSilent = () => this.#silentPrimaries().get(primary);
    ports.afterInput(primary, () => {
      if (stillSilent() === undefined) return void this.#suspected.delete(primary);
      ports.readTopology(() => {
        this.#suspected.delete(primary);
        for (const partition of stillSilent() ?? []) this.#askToReplace(primary, partition);
        this.#finish();
      });
    });
  }

  #askToReplace(primary: BootId, partition: Partition): void {
    const { entry, number } = partition;
    if (entry === undefined) return;
    if (this.#node.follows('R11')) this.#node.leases.withhold(primary, number, entry.epoch);
    partition.askToBePromoted();
  }
}
