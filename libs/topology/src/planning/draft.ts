import type { PrimaryOrder } from '../control-plane/messages.js';
import { changeEntry, type EntryChange } from '../entry-changes.js';
import type { EntryRequest } from '../topology-changes.js';
import type { BootId, PartitionEntry } from '../topology.js';
import type { PlanInput } from './plan-input.js';
import { planNodesOf, possibleCopies, type PlanNode } from './plan-node.js';
import type { Bounds } from './shares.js';
import { versionCeilingFor } from './version-ceiling.js';

/** A partition that nothing serves until something outside of the plan happens. */
export interface StalledPartition {
  readonly partition: number;
  /** `unavailable`: copies may come back. `lost`: all in-sync copies are gone, and `whenLost` or a directory forbids a start. */
  readonly state: 'unavailable' | 'lost';
  /** The processes whose return would help. */
  readonly awaited: readonly BootId[];
}

/** The changes that are due now. An empty plan means that the topology is as wanted, or that nothing can be done at present. */
export interface Plan {
  readonly requests: readonly EntryRequest[];
  /** For the primary of each partition, by its boot id. */
  readonly orders: ReadonlyMap<BootId, readonly PrimaryOrder[]>;
  /** Nodes that have joined completely, by id. */
  readonly activated: readonly string[];
  /** The ceiling of versions, if it must rise. */
  readonly versionCeiling: number | undefined;
  readonly stalled: readonly StalledPartition[];
  /** The expected addresses that no node in reach has, while the first assignment waits for them. */
  readonly missing: readonly string[];
  /** How many copies each node should have. */
  readonly shares: ReadonlyMap<BootId, Bounds>;
}

/** Returns whether the plan changes no partition and no node. */
export function isEmpty({ requests, orders, activated }: Plan): boolean {
  return requests.length + orders.size + activated.length === 0;
}

/** An order without its place, which the draft adds. */
type Order =
  { readonly kind: 'handOver'; readonly to: BootId } | { readonly kind: 'remove'; readonly copy: BootId };

/** A plan in progress: the entries as they will be, the loads, and the limits of moves at once. */
export class Draft {
  readonly nodes: readonly PlanNode[];
  readonly reachable: readonly PlanNode[];
  /** The nodes that can get copies and partitions to serve. */
  readonly usable: readonly PlanNode[];
  /** Addresses of the list that no node in reach has. The first assignment waits for them. */
  readonly missing: readonly string[];
  /** How many copies each partition can have. */
  readonly wanted: number;
  readonly stalled: StalledPartition[] = [];
  readonly #entries: PartitionEntry[];
  readonly #byBootId: ReadonlyMap<BootId, PlanNode>;
  readonly #requests: EntryRequest[] = [];
  readonly #orders = new Map<BootId, PrimaryOrder[]>();
  /** Partitions with a request or an order. One plan does one thing to a partition. */
  readonly #changed = new Set<number>();
  /** Copies that are one too many, by partition. They no longer count as load. */
  readonly #surplus = new Map<number, readonly BootId[]>();
  readonly #staying: (readonly PlanNode[] | undefined)[] = [];
  readonly #minMoveBytes: number;
  #movingBytes = 0;

  constructor(readonly input: PlanInput) {
    this.nodes = planNodesOf(input);
    this.reachable = this.nodes.filter(({ isReachable }) => isReachable);
    this.usable = this.nodes.filter(({ isUsable }) => isUsable);
    const addresses = new Set(this.reachable.map(({ node }) => node.address));
    this.missing = input.settings.expectedNodes.filter((address) => !addresses.has(address));
    this.wanted = possibleCopies(input.topology, this.nodes);
    this.#byBootId = new Map(this.nodes.map((node) => [node.bootId, node]));
    const hasDrain = this.nodes.some(({ isDraining }) => isDraining);
    this.#minMoveBytes = hasDrain ? MIN_MOVE_BYTES_OF_DRAIN : MIN_MOVE_BYTES;
    this.#entries = [...input.topology.partitions];
    this.#entries.forEach((entry) => this.#count(entry));
    for (const node of this.nodes) {
      const used = input.statuses.get(node.bootId)?.report?.usedBytes ?? 0;
      node.partitionBytes = used / Math.max(1, node.copies);
    }
    this.#entries.forEach(({ primary, learner }) => {
      if (learner !== undefined) this.#beginMove(primary, learner);
    });
  }

  /** The entries as they will be after the requests and the hand-overs of the plan. */
  get entries(): readonly PartitionEntry[] {
    return this.#entries;
  }

  /** Whether any copy is being filled. */
  get isMoving(): boolean {
    return this.#movingBytes > 0;
  }

  /** Returns the registered node of a process; undefined if the process has none, so that its pairs are out of reach. */
  nodeOf(bootId: BootId | undefined): PlanNode | undefined {
    return bootId === undefined ? undefined : this.#byBootId.get(bootId);
  }

  /** Returns whether the plan has not yet changed the partition. */
  isUnchanged(partition: number): boolean {
    return !this.#changed.has(partition);
  }

  /** Returns the nodes of the copies that the partition will have, those that are being filled included. */
  staying(partition: number): readonly PlanNode[] {
    return (this.#staying[partition] ??= this.#findStaying(partition));
  }

  /** Notes that a copy is one too many. */
  markSurplus(partition: number, { bootId }: PlanNode): void {
    this.#surplus.set(partition, [...(this.#surplus.get(partition) ?? []), bootId]);
    this.#staying[partition] = undefined;
    const node = this.nodeOf(bootId);
    if (node !== undefined) node.copies--;
  }

  /** Returns whether a copy of the partition is one too many. */
  hasSurplus(partition: number): boolean {
    return this.#surplus.has(partition);
  }

  /** Asks for a change of an entry, and goes on with the changed entry. */
  request(partition: number, change: EntryChange): void {
    const entry = this.#entries[partition];
    const next = entry && changeEntry(entry, change, entry.epoch);
    if (entry === undefined || next === undefined) return;
    this.#count(entry, -1);
    this.#count(next);
    this.#entries[partition] = next;
    this.#staying[partition] = undefined;
    this.#changed.add(partition);
    this.#requests.push({ partition, epoch: entry.epoch, change });
    if (change.kind === 'nameLearner') this.#beginMove(next.primary, change.learner);
  }

  /**
   * Asks the primary for something that only it may ask for. Returns whether it did: not if the primary is out of reach, or has
   * enough hand-overs to do.
   */
  order(partition: number, order: Order): boolean {
    const entry = this.#entries[partition];
    const primary = this.nodeOf(entry?.primary);
    if (entry === undefined || primary?.isReachable !== true) return false;
    const orders = this.#orders.get(primary.bootId) ?? [];
    if (order.kind === 'handOver') {
      if (orders.filter(({ kind }) => kind === 'handOver').length >= MAX_HAND_OVERS) return false;
      this.#countPrimary(primary.bootId, -1);
      this.#countPrimary(order.to, 1);
      this.#entries[partition] = { ...entry, primary: order.to };
    }
    orders.push({ ...order, partition, epoch: entry.epoch });
    this.#orders.set(primary.bootId, orders);
    this.#changed.add(partition);
    return true;
  }

  /** Returns whether a move may begin now: few bytes move at once, to and from each node and in all. */
  hasRoomFor(partition: number, target: PlanNode): boolean {
    const source = this.nodeOf(this.#entries[partition]?.primary);
    if (source === undefined) return false;
    const bytes = this.#moveBytes(source);
    const fits = (moving: number, limit: number) => moving === 0 || moving + bytes <= limit;
    return (
      fits(source.movingBytes, MOVING_BYTES_PER_NODE) &&
      fits(target.movingBytes, MOVING_BYTES_PER_NODE) &&
      fits(this.#movingBytes, MOVING_BYTES)
    );
  }

  /** Returns whether the target has memory for the partition, with something to spare. */
  hasMemoryFor(partition: number, { freeBytes }: PlanNode): boolean {
    if (freeBytes === undefined) return true;
    const source = this.nodeOf(this.#entries[partition]?.primary);
    return (source?.partitionBytes ?? 0) * MEMORY_MARGIN <= freeBytes;
  }

  finish(): Plan {
    return {
      requests: this.#requests,
      orders: this.#orders,
      activated: this.nodes
        .filter(({ node, bootId }) => node.state === 'joining' && this.#isInSyncSomewhere(bootId))
        .map(({ node }) => node.id),
      versionCeiling: versionCeilingFor(this.input),
      stalled: this.stalled,
      missing: this.#entries.some(({ primary }) => primary === undefined) ? this.missing : [],
      shares: new Map(this.nodes.map(({ bootId, copyBounds }) => [bootId, copyBounds])),
    };
  }

  #findStaying(partition: number): PlanNode[] {
    const entry = this.#entries[partition];
    if (entry === undefined) return [];
    const surplus = this.#surplus.get(partition);
    const staying: PlanNode[] = [];
    const add = (copy: BootId) => {
      const node = this.nodeOf(copy);
      if (node?.isKept === true && surplus?.includes(copy) !== true) staying.push(node);
    };
    entry.inSync.forEach(add);
    if (entry.learner !== undefined) add(entry.learner);
    return staying;
  }

  #isInSyncSomewhere(bootId: BootId): boolean {
    return this.input.topology.partitions.some(({ inSync }) => inSync.includes(bootId));
  }

  #count({ primary, inSync, learner }: PartitionEntry, by = 1): void {
    for (const copy of inSync) this.#countCopy(copy, by);
    if (learner !== undefined) this.#countCopy(learner, by);
    if (primary !== undefined) this.#countPrimary(primary, by);
  }

  #countCopy(copy: BootId, by: number): void {
    const node = this.nodeOf(copy);
    if (node !== undefined) node.copies += by;
  }

  #countPrimary(copy: BootId, by: number): void {
    const node = this.nodeOf(copy);
    if (node !== undefined) node.primaries += by;
  }

  #beginMove(primary: BootId | undefined, learner: BootId): void {
    const source = this.nodeOf(primary);
    const target = this.nodeOf(learner);
    const bytes = this.#moveBytes(source);
    if (source !== undefined) source.movingBytes += bytes;
    if (target !== undefined) {
      target.movingBytes += bytes;
      if (target.freeBytes !== undefined) target.freeBytes -= source?.partitionBytes ?? 0;
    }
    this.#movingBytes += bytes;
  }

  /** Even an empty partition costs something to move. */
  #moveBytes(source: PlanNode | undefined): number {
    return Math.max(this.#minMoveBytes, source?.partitionBytes ?? 0);
  }
}

/** To each primary at once, because each hand-over stops a partition for a moment. */
const MAX_HAND_OVERS = 64;
/** So that no node has more than 256 moves at once. With more, the first plan of a join keeps nodes busy while requests wait. */
const MIN_MOVE_BYTES = 256 * 1024;
/** So that no node has more than 128. In a drain, partitions also change their primaries, and each move makes that slower. */
const MIN_MOVE_BYTES_OF_DRAIN = 512 * 1024;
const MOVING_BYTES_PER_NODE = 64 * 1024 * 1024;
const MOVING_BYTES = 1024 * 1024 * 1024;
const MEMORY_MARGIN = 1.2;
