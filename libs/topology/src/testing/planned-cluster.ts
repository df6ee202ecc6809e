import {
  applyRequests,
  endProcess,
  isBootId,
  newTopology,
  plan,
  raiseVersionCeiling,
  registerNode,
  updateNode,
  type BootId,
  type EntryRequest,
  type HeldPartition,
  type NodeReport,
  type NodeStatus,
  type PartitionEntry,
  type Plan,
  type PlanSettings,
  type PrimaryOrder,
  type Topology,
  type TopologyNode,
} from '../index.js';
import { isEmpty } from '../planning/draft.js';

/** Returns a text as the boot id that it names. */
export function boot(text: string): BootId {
  if (!isBootId(text)) throw new TypeError('no boot id');
  return text;
}

/** Returns the report of a process that has nothing, with some changes. */
export function reportOf(bootId: BootId, changes: Partial<NodeReport> = {}): NodeReport {
  return {
    clusterId: 'c',
    revision: 0,
    bootId,
    wholeRevision: 0,
    timeMs: 0,
    isEnding: false,
    usedBytes: 0,
    freeBytes: undefined,
    highestVersion: 0,
    held: [],
    fills: [],
    failures: [],
    ...changes,
  };
}

export interface PlannedNode {
  readonly id: string;
  readonly zone?: string;
  readonly weight?: number;
  readonly isDurable?: boolean;
  readonly sharedStore?: string;
}

/**
 * A cluster in which every request is met at once: primaries fill learners, obey orders, and remove copies that are gone. Time
 * passes only when a test says so.
 */
export class PlannedCluster {
  topology: Topology;
  nowMs = 100_000;
  readonly settings: PlanSettings = { replaceAfterMs: 60_000, whenLost: 'start', expectedNodes: [] };
  readonly failed = new Set<string>();
  /** How many copies were named since the last {@link settle}. */
  named = 0;
  /** Returns whether the learner of a partition has all pairs. By default it has them at once. */
  isFilled: (partition: number) => boolean = () => true;
  readonly #statuses = new Map<BootId, NodeStatus>();
  readonly #silent = new Set<BootId>();
  readonly #leaving = new Set<BootId>();
  readonly #held = new Map<BootId, readonly HeldPartition[]>();
  readonly #known = new Map<BootId, number>();
  readonly #bytes = new Map<BootId, { readonly usedBytes: number; readonly freeBytes: number }>();
  #starts = 0;

  constructor(copies: number, nodes: readonly PlannedNode[], settings: Partial<PlanSettings> = {}) {
    this.topology = newTopology({ clusterId: 'c', copies, minInSync: 1 });
    this.settings = { ...this.settings, ...settings };
    for (const node of nodes) this.join(node);
    this.nowMs += 20_000;
  }

  /** A process starts; a node that is known starts again. */
  join({ id, zone = '', weight = 1, isDurable = false, sharedStore }: PlannedNode): BootId {
    const bootId = boot(`${id} ${++this.#starts}`);
    const address = `127.0.0.1:${id}`;
    const node = { id, address, zone, weight, bootId, isDurable, starts: 1 };
    this.topology = registerNode(this.topology, node, sharedStore);
    this.#statuses.set(bootId, { firstHeardMs: this.nowMs, lastHeardMs: this.nowMs, report: undefined });
    return bootId;
  }

  drain(id: string): void {
    this.topology = updateNode(this.topology, id, { state: 'draining' });
  }

  /** The process is out of reach from now on. */
  silence(id: string): BootId {
    const { bootId } = this.node(id);
    this.#silent.add(bootId);
    return bootId;
  }

  /** The process has ended, and everybody knows. */
  end(id: string): BootId {
    const { bootId, isDurable } = this.node(id);
    this.#silent.add(bootId);
    this.topology = endProcess(this.topology, { bootId, isDurable });
    return bootId;
  }

  /** The process hands its partitions over, and ends then. */
  leave(id: string): void {
    this.#leaving.add(this.node(id).bootId);
  }

  setHeld(bootId: BootId, held: readonly HeldPartition[]): void {
    this.#held.set(bootId, held);
  }

  /** The process knows nothing of later revisions, although it is in reach. */
  setKnown(bootId: BootId, revision: number): void {
    this.#known.set(bootId, revision);
  }

  setBytes(id: string, usedBytes: number, freeBytes: number): void {
    this.#bytes.set(this.node(id).bootId, { usedBytes, freeBytes });
  }

  node(id: string): TopologyNode {
    const node = this.topology.nodes.find((one) => one.id === id);
    if (node === undefined) throw new TypeError(`no node ${id}`);
    return node;
  }

  isReachable(bootId: BootId): boolean {
    return this.topology.nodes.some((node) => node.bootId === bootId) && !this.#silent.has(bootId);
  }

  plan(): Plan {
    for (const { bootId } of this.topology.nodes) {
      const status = this.#statuses.get(bootId);
      if (this.#silent.has(bootId) || status === undefined) continue;
      this.#statuses.set(bootId, { ...status, lastHeardMs: this.nowMs, report: this.#report(bootId) });
    }
    return plan({
      topology: this.topology,
      statuses: this.#statuses,
      settings: this.settings,
      nowMs: this.nowMs,
      clusterTimeMs: 1e12 + this.nowMs,
      isPaused: (partition, copy) => this.failed.has(`${partition} ${copy}`),
    });
  }

  /** Lets time pass, makes a plan and carries it out. Returns the plan. */
  step(passedMs = 1000): Plan {
    this.nowMs += passedMs;
    const made = this.plan();
    this.#apply(made.requests);
    for (const id of made.activated) this.topology = updateNode(this.topology, id, { state: 'active' });
    this.topology = raiseVersionCeiling(this.topology, made.versionCeiling ?? 0);
    this.#apply(
      [...made.orders].flatMap(([primary, orders]) => orders.map((one) => requestOf(one, primary))),
    );
    this.#removeSilent();
    this.#fillLearners();
    return made;
  }

  /** Carries out plans until one has nothing to ask for. */
  settle(): void {
    this.named = 0;
    for (let steps = 0; ; steps++) {
      if (steps > 500) throw new Error(`still planning after ${steps} plans`);
      if (isEmpty(this.step())) return;
    }
  }

  /** Returns how many copies and how many primaries each node has, by id. */
  loads(): Record<string, readonly [copies: number, primaries: number]> {
    return Object.fromEntries(
      this.topology.nodes.map(({ id, bootId }) => {
        const count = (has: (entry: PartitionEntry) => boolean) =>
          this.topology.partitions.filter(has).length;
        return [
          id,
          [count(({ inSync }) => inSync.includes(bootId)), count(({ primary }) => primary === bootId)],
        ];
      }),
    );
  }

  /** Returns how many ranges of partitions with one primary there are. Redis clients read one line for each. */
  ranges(): number {
    const { partitions } = this.topology;
    return partitions.filter(({ primary }, i) => i === 0 || primary !== partitions[i - 1]?.primary).length;
  }

  #apply(requests: readonly EntryRequest[]): void {
    this.named += requests.filter(({ change }) => change.kind === 'nameLearner').length;
    this.topology = applyRequests(this.topology, requests);
  }

  #entryRequests(
    of: (entry: PartitionEntry, partition: number) => EntryRequest['change'] | undefined,
  ): EntryRequest[] {
    return this.topology.partitions.flatMap((entry, partition) => {
      const primary = entry.primary;
      const change = primary !== undefined && this.isReachable(primary) ? of(entry, partition) : undefined;
      return change === undefined ? [] : [{ partition, epoch: entry.epoch, change }];
    });
  }

  #removeSilent(): void {
    const requests = this.#entryRequests(({ primary, inSync }) => {
      const copy = inSync.find((one) => !this.isReachable(one));
      return copy === undefined || primary === undefined ? undefined : { kind: 'remove', by: primary, copy };
    });
    if (requests.length === 0) return;
    this.#apply(requests);
    this.#removeSilent();
  }

  #fillLearners(): void {
    this.#apply(
      this.#entryRequests(({ primary, learner }, partition) =>
        learner !== undefined &&
        primary !== undefined &&
        this.isReachable(learner) &&
        this.isFilled(partition)
          ? { kind: 'add', by: primary, copy: learner }
          : undefined,
      ),
    );
  }

  #report(bootId: BootId): NodeReport {
    const { revision } = this.topology;
    return reportOf(bootId, {
      ...this.#bytes.get(bootId),
      revision,
      wholeRevision: this.#known.get(bootId) ?? revision,
      isLeaving: this.#leaving.has(bootId),
      held: this.#held.get(bootId) ?? [],
    });
  }
}

function requestOf(order: PrimaryOrder, primary: BootId): EntryRequest {
  const { partition, epoch } = order;
  return order.kind === 'handOver'
    ? { partition, epoch, change: { kind: 'promote', copy: order.to, instead: primary } }
    : { partition, epoch, change: { kind: 'remove', by: primary, copy: order.copy } };
}
