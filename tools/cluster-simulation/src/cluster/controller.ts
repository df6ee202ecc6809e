import {
  nodeOfBoot,
  type BootId,
  type EntryChange,
  type PartitionEntry,
  type PrimaryOrder,
  type Topology,
  type TopologyNode,
} from '@kvs/topology';
import type { Random } from '../world/random.js';
import type { SimulatedProxy } from './proxy.js';

/** Brings the partitions towards their number of copies. Each proxy has one, and several act at the same time. */
export class SimulatedController {
  readonly #proxy: SimulatedProxy;
  readonly #partitionCount: number;
  readonly #random: Random;
  readonly #order: (primary: BootId, order: PrimaryOrder) => void;
  /** A node that never reported counts as heard then. */
  readonly #sinceMs: number;
  /** Since when each partition has its learner. */
  readonly #learners = new Map<number, { readonly learner: BootId; readonly sinceMs: number }>();

  constructor(
    proxy: SimulatedProxy,
    partitionCount: number,
    random: Random,
    order: (primary: BootId, order: PrimaryOrder) => void,
  ) {
    this.#proxy = proxy;
    this.#partitionCount = partitionCount;
    this.#random = random;
    this.#order = order;
    this.#sinceMs = proxy.process.nowMs();
  }

  /** Reads the topology, and asks for what it lacks. */
  step(): void {
    this.#proxy.refresh((topology) => {
      for (let partition = 0; partition < this.#partitionCount; partition++) {
        const entry = topology.partitions[partition];
        if (entry === undefined) continue;
        const change = this.#wanted(topology, partition, entry);
        if (change !== undefined)
          this.#proxy.change([{ partition, epoch: entry.epoch, change }], () => undefined);
      }
    });
  }

  #wanted(topology: Topology, partition: number, entry: PartitionEntry): EntryChange | undefined {
    const { primary, inSync, learner } = entry;
    if (primary === undefined) return this.#start(topology, undefined);
    if (inSync.every((copy) => topology.ended.some(({ bootId }) => bootId === copy)))
      return this.#start(topology, primary, this.#newestHolder(topology, partition));
    if (!this.#isHeard(topology, primary, PRIMARY_SILENT_MS)) {
      const copy = this.#random.pick(inSync.filter((one) => one !== primary && this.#isHeard(topology, one)));
      if (copy !== undefined) return { kind: 'promote', copy, instead: primary };
    }
    if (learner !== undefined) return this.#withdraw(topology, partition, learner);
    this.#learners.delete(partition);
    const staying = inSync.filter((copy) => nodeOfBoot(topology, copy)?.state !== 'draining');
    if (staying.length < topology.copies) {
      const named = this.#random.pick(this.#candidates(topology, entry));
      return named && { kind: 'nameLearner', learner: named.bootId };
    }
    this.#shed(topology, partition, entry, staying);
    return undefined;
  }

  /** Gets rid of a copy too many, first of one on a node that is to go. */
  #shed(
    topology: Topology,
    partition: number,
    { primary, inSync, epoch }: PartitionEntry,
    staying: readonly BootId[],
  ): void {
    if (primary === undefined || inSync.length <= topology.copies) return;
    const to = this.#random.pick(staying.filter((copy) => copy !== primary));
    if (!staying.includes(primary)) {
      if (to !== undefined) this.#order(primary, { kind: 'handOver', partition, epoch, to });
      return;
    }
    const copy = inSync.find((one) => !staying.includes(one)) ?? to;
    if (copy !== undefined) this.#order(primary, { kind: 'remove', partition, epoch, copy });
  }

  #start(topology: Topology, instead: BootId | undefined, holder?: BootId): EntryChange | undefined {
    const primary = holder ?? this.#random.pick(this.#hearing(topology))?.bootId;
    return primary && { kind: 'start', primary, instead };
  }

  /** Returns the process with the newest pairs of a partition that has no in-sync copy any more. */
  #newestHolder(topology: Topology, partition: number): BootId | undefined {
    const holders = topology.nodes.flatMap(({ bootId }) => {
      const held = this.#proxy.reports.get(bootId)?.report.held.find((one) => one.partition === partition);
      return held === undefined ? [] : [{ bootId, ...held.position }];
    });
    holders.sort((a, b) => b.epoch - a.epoch || b.number - a.number);
    return holders[0]?.bootId;
  }

  #withdraw(topology: Topology, partition: number, learner: BootId): EntryChange | undefined {
    const nowMs = this.#proxy.process.nowMs();
    const known = this.#learners.get(partition);
    if (known?.learner !== learner) this.#learners.set(partition, { learner, sinceMs: nowMs });
    const isLate = known?.learner === learner && nowMs - known.sinceMs > LEARNER_MS;
    if (!isLate && nodeOfBoot(topology, learner) !== undefined) return undefined;
    this.#learners.delete(partition);
    return { kind: 'withdrawLearner', learner };
  }

  #candidates(topology: Topology, { inSync }: PartitionEntry): readonly TopologyNode[] {
    return this.#hearing(topology).filter(
      ({ bootId, state }) => state !== 'draining' && !inSync.includes(bootId),
    );
  }

  #hearing(topology: Topology): readonly TopologyNode[] {
    return topology.nodes.filter(({ bootId }) => this.#isHeard(topology, bootId));
  }

  #isHeard(topology: Topology, bootId: BootId, withinMs = HEARD_MS): boolean {
    const heardMs = this.#proxy.reports.get(bootId)?.atMs ?? this.#sinceMs;
    return nodeOfBoot(topology, bootId) !== undefined && this.#proxy.process.nowMs() - heardMs < withinMs;
  }
}

const HEARD_MS = 2000;
const PRIMARY_SILENT_MS = 4500;
const LEARNER_MS = 12_000;
