import type { KeyId } from '@kvs/protocol';
import {
  MAX_REVISIONS_AHEAD,
  nodeOfBoot,
  type BootId,
  type PartitionEntry,
  type Topology,
} from '@kvs/topology';
import { Attention } from './attention.js';
import { Beacons } from './beacons.js';
import { TurnsPerLearner } from './turns-per-learner.js';
import { Knowledge } from './knowledge.js';
import { Leases } from './leases.js';
import type { Message } from './messages.js';
import type { NodeContext } from './node-context.js';
import { Partition, type Role } from './partition.js';
import type { Position } from './position.js';
import type { PartitionState, ReadAnswer, ReplicaPorts, WriteAnswer, WriteBatch } from './ports.js';
import { BEHIND, WRONG_NODE } from './refusals.js';
import type { Primary } from './primary.js';
import { PrimaryWatch } from './primary-watch.js';
import { Requests } from './requests.js';
import {
  FILL_BYTES_IN_FLIGHT,
  FILLS_AT_ONCE,
  type ReplicaSettings,
  type ReplicaTimes,
  type Rule,
} from './settings.js';
import { Silence } from './silence.js';
import { TransferBudget } from './transfer-budget.js';

/**
 * What a node does with the copies of its partitions: a state machine. Its inputs are topologies, messages of other nodes, calls,
 * and the passing of time. Its outputs go through {@link ReplicaPorts}. The same inputs give the same outputs.
 *
 * The rules are in docs/cluster-simulation.md. Leases follow PacificA (Lin et al., Microsoft Research, 2008).
 */
export class Replica implements NodeContext {
  readonly bootId: BootId;
  readonly isNewBootId: boolean;
  readonly startedMs: number;
  readonly ports: ReplicaPorts;
  readonly times: ReplicaTimes;
  readonly leases: Leases;
  readonly requests: Requests;
  readonly transfers: TransferBudget;
  readonly fillTurns: TurnsPerLearner;
  readonly chunkTurns = new TurnsPerLearner(FILL_BYTES_IN_FLIGHT);
  readonly #starts: number;
  readonly #without: ReadonlySet<Rule>;
  readonly #knowledge = new Knowledge();
  readonly #partitions = new Map<number, Partition>();
  /** When the topology was last asked for, because another process knows more. The answer may be lost. */
  #catchUpMs = -Infinity;
  readonly #silence: Silence;
  readonly #attention: Attention;
  readonly #primaryWatch: PrimaryWatch;
  readonly #beacons: Beacons;
  #tailBytes = 0;
  #isLeaving = false;
  #callCount = 0;
  #fillCount = 0;
  #failures: CopyFailure[] = [];
  /** By the ids of their nodes. */
  readonly #removedCopies = new Map<string, number>();

  constructor(settings: ReplicaSettings, ports: ReplicaPorts) {
    this.bootId = settings.bootId;
    this.isNewBootId = settings.starts === 1;
    this.#starts = settings.starts;
    this.times = settings.times;
    this.#without = settings.without;
    this.ports = ports;
    this.startedMs = ports.nowMs();
    this.leases = new Leases(settings.times.leaseMs);
    this.#silence = new Silence(settings.bootId, this.leases, settings.times);
    this.#attention = new Attention(this.#partitions, this.#silence);
    this.#primaryWatch = new PrimaryWatch(this, this.#partitions, this.#silence, () => this.#finish());
    this.#beacons = new Beacons(this, this.#knowledge, () => this.#leaseCame());
    this.requests = new Requests(settings.times, ports.nowMs, ports.ask);
    this.transfers = new TransferBudget(this.startedMs);
    this.fillTurns = new TurnsPerLearner(settings.fillsAtOnce ?? FILLS_AT_ONCE);
    // Also partitions that were never assigned: the controller must know of their pairs before it assigns them.
    for (const number of ports.engine.completePartitions())
      this.#partitions.set(number, new Partition(this, number, 'all'));
    for (const number of ports.engine.incompletePartitions())
      this.#partitions.set(number, new Partition(this, number, 'some'));
  }

  /** The newest whole topology that this node knows. */
  get topology(): Topology | undefined {
    return this.#knowledge.topology;
  }

  /** The revision up to which this node knows every entry. */
  get wholeRevision(): number {
    return this.#knowledge.wholeRevision;
  }

  /** The highest revision of which this node knows anything. */
  get revision(): number {
    return this.#knowledge.revision;
  }

  /** The node has got a topology, which may be older than the one it knows. */
  learn(topology: Topology): void {
    const isFirst = this.#knowledge.topology === undefined;
    if (topology.revision > this.wholeRevision) {
      this.#silence.learn(topology);
      this.#forgetOthers(topology);
    }
    this.#knowledge.learn(topology, (partition, entry) =>
      this.#touched(partition).entryChanged(entry, isFirst),
    );
    if (this.leases.caughtUp(this.#knowledge.wholeRevision)) this.#leaseCame();
    this.#finish();
  }

  /** How many bytes the effects take that copies may lack, in all partitions, as of the last tick with something to do. */
  get tailBytes(): number {
    return this.#tailBytes;
  }

  /** How many reads and writes this node has been asked for. */
  get callCount(): number {
    return this.#callCount;
  }

  /** Handles a message. Messages of one process must come in the order in which it sent them. */
  receive(from: BootId, message: Message): void {
    if (this.leases.isFullFor(from) && !this.#isNode(from)) return;
    if (message.kind === 'beacon') this.#beacons.answer(from, message);
    else if (message.kind === 'beaconAnswer') this.#beacons.answered(from, message);
    else {
      if (message.kind === 'effectsAnswer') this.leases.noteAnswer(from, message.isFull, this.ports.nowMs());
      else if (message.kind === 'entry' || message.kind === 'newPrimary')
        this.#told(message.partition, message.entry);
      this.#touched(message.partition).receive(from, message);
    }
    this.#finish();
  }

  /** Whether this process is about to end. */
  get isLeaving(): boolean {
    return this.#isLeaving;
  }

  /** The process is about to end: it keeps the pairs of copies that are removed from now on. */
  leave(): void {
    this.#isLeaving = true;
  }

  /** A connection to a process is open again. */
  peerUp(bootId: BootId): void {
    for (const partition of this.#partitions.values()) partition.peerUp(bootId);
    this.#finish();
  }

  /** The connection to a process broke. */
  peerDown(bootId: BootId): void {
    for (const { primary } of this.#partitions.values()) primary?.peerDown(bootId);
    this.#finish();
  }

  /** Must be called about every 100 ms. */
  tick(): void {
    const nowMs = this.ports.nowMs();
    // Reading this clock detects a suspension. A wall clock that was set back since the last reading could hide it.
    this.ports.leaseNowMs();
    this.transfers.refill(nowMs);
    this.#beacons.tick(() => this.#attention.beaconTargets());
    if (this.#attention.active.size > 0) this.#tailBytes = this.#sumOfTails();
    if (this.#attention.tick(nowMs)) this.#primaryWatch.look();
    this.#finish();
  }

  /**
   * Does the items of a batch that are all of one partition, if this node serves it. Answers when all copies have the effects.
   *
   * @param epoch the epoch that the caller knows; 0 if it knows none
   */
  write(partition: number, batch: WriteBatch, epoch: number, done: (answer: WriteAnswer) => void): void {
    this.#callCount++;
    const primary = this.#primaryOf(partition);
    if (primary === undefined) done(WRONG_NODE);
    else if (this.#isBehind(epoch)) done(BEHIND);
    else primary.write(batch, done);
    this.#finish();
  }

  /**
   * Does a read on the engine, if this node serves the partition, and answers when the result can't be undone any more.
   *
   * @param keys the keys that the read shows, or all keys of the partition
   * @param run does the read
   */
  read<T>(
    partition: number,
    keys: readonly KeyId[] | 'all',
    epoch: number,
    run: (done: (result: T) => void) => void,
    done: (answer: ReadAnswer<T>) => void,
  ): void {
    this.#callCount++;
    const primary = this.#partitions.get(partition)?.primary;
    if (primary === undefined) done(WRONG_NODE);
    else if (this.#isBehind(epoch)) done(BEHIND);
    else primary.read(keys, run, done);
    // No #finish(): a read gathers neither requests nor beacons.
  }

  /**
   * Gives partitions to in-sync copies of them, if possible by one change of the topology. Calls meanwhile wait.
   *
   * @param max how many hand-overs may begin
   * @returns the partitions whose hand-overs begin. Others are being handed over already, or can't be now
   */
  handOver(successors: Iterable<readonly [partition: number, to: BootId]>, max = Infinity): number[] {
    const begun: number[] = [];
    for (const [partition, to] of successors) {
      if (begun.length >= max) break;
      if (this.#primaryOf(partition)?.handOver(to) === true) begun.push(partition);
    }
    this.#finish();
    return begun;
  }

  /** Removes an in-sync copy that is one too many. */
  removeSurplus(partition: number, copy: BootId): void {
    this.#primaryOf(partition)?.removeSurplus(copy);
    this.#finish();
  }

  /**
   * Limits how many bytes of pairs this node sends to learners per second.
   *
   * @param bytesPerSecond undefined for no limit
   */
  limitTransfers(bytesPerSecond: number | undefined): void {
    this.transfers.limit(bytesPerSecond);
    this.#finish();
  }

  /** Returns whether this node serves the partition now. */
  isServing(partition: number): boolean {
    return this.#partitions.get(partition)?.primary?.isServing === true;
  }

  /** Returns the role of this node in a partition. */
  roleIn(partition: number): Role {
    return this.#partitions.get(partition)?.role ?? 'none';
  }

  /** Returns the epoch of the newest entry that this node knows of a partition, 0 if it knows none. */
  epochOf(partition: number): number {
    return this.#partitions.get(partition)?.entry?.epoch ?? 0;
  }

  /** Returns the partitions in which this node has a role or pairs. */
  states(): PartitionState[] {
    return this.#inUse.map(({ number, role, entry, tail, primary }) => ({
      partition: number,
      role: role === 'sleeping' ? 'primary' : role,
      isServing: primary?.isServing === true,
      epoch: entry?.epoch ?? 0,
      position: tail.end,
      tailBytes: tail.bytes,
      lag: primary?.lag ?? 0,
    }));
  }

  /** Returns the highest version that any partition of this node has had. */
  highestVersion(): number {
    return this.#inUse.reduce(
      (most, { number }) => Math.max(most, this.ports.engine.highestVersion(number)),
      0,
    );
  }

  /** The partitions in which this node has a role or pairs. */
  get #inUse(): Partition[] {
    return [...this.#partitions.values()].filter(({ role, pairs }) => role !== 'none' || pairs !== 'none');
  }

  /**
   * Returns the partitions that this node could bring back: it has all pairs up to a position, and is no in-sync copy. It may be the
   * learner, if the fill has ended, or has not begun and older pairs are still there.
   */
  heldPartitions(): { readonly partition: number; readonly position: Position }[] {
    return [...this.#partitions.values()].flatMap(({ number, role, pairs, tail }) =>
      (role === 'none' || role === 'learner') && pairs === 'all'
        ? [{ partition: number, position: tail.end }]
        : [],
    );
  }

  /** Returns the fills that this node runs as primary. */
  fills(): { readonly partition: number; readonly learner: BootId; readonly sentBytes: number }[] {
    return [...this.#partitions.values()].flatMap(({ number, primary }) =>
      [...(primary?.followers ?? [])].flatMap(({ bootId, fill }) =>
        fill === undefined ? [] : [{ partition: number, learner: bootId, sentBytes: fill.sentBytes }],
      ),
    );
  }

  /**
   * Returns how many copies on each other node this one has removed as their primary, because they did not acknowledge effects or
   * beacons.
   */
  removedCopies(): { readonly node: string; readonly count: number }[] {
    const others = this.topology?.nodes.filter(({ bootId }) => bootId !== this.bootId) ?? [];
    return others.map(({ id }) => ({ node: id, count: this.#removedCopies.get(id) ?? 0 }));
  }

  /** Returns why copies could not be filled or kept since the last call. */
  takeFailures(): readonly CopyFailure[] {
    const failures = this.#failures;
    this.#failures = [];
    return failures;
  }

  // What partitions need of their node.

  follows(rule: Rule): boolean {
    return !this.#without.has(rule);
  }

  hasEnded(bootId: BootId): boolean {
    return this.#silence.hasEnded(bootId);
  }

  beaconSoon(to: BootId): void {
    this.#beacons.soon(to);
  }

  touch(partition: number): void {
    this.#touched(partition);
  }

  catchUp(): void {
    const nowMs = this.ports.nowMs();
    if (nowMs - this.#catchUpMs < this.times.repeatMs) return;
    this.#catchUpMs = nowMs;
    this.ports.readTopology(() => (this.#catchUpMs = -Infinity));
  }

  noteFailure(partition: number, copy: BootId, reason: string): void {
    if (this.#failures.length < MAX_FAILURES) this.#failures.push({ partition, copy, reason });
  }

  noteRemoval(copy: BootId): void {
    const node = this.topology && nodeOfBoot(this.topology, copy);
    if (node !== undefined && !this.hasEnded(copy))
      this.#removedCopies.set(node.id, (this.#removedCopies.get(node.id) ?? 0) + 1);
  }

  newFillId(): string {
    return `${this.bootId}/${this.#starts}/${++this.#fillCount}`;
  }

  #partition(number: number): Partition {
    let partition = this.#partitions.get(number);
    if (partition === undefined) {
      partition = new Partition(this, number, 'none');
      this.#partitions.set(number, partition);
    }
    return partition;
  }

  /** Returns the role of the primary in a partition, to which something happens now. */
  #primaryOf(number: number): Primary | undefined {
    const partition = this.#partitions.get(number);
    if (partition?.primary !== undefined) this.#attention.touch(partition);
    return partition?.primary;
  }

  /** Returns a partition to which something happens now. */
  #touched(number: number): Partition {
    const partition = this.#partition(number);
    this.#attention.touch(partition);
    return partition;
  }

  #sumOfTails(): number {
    let bytes = 0;
    for (const { tail } of this.#partitions.values()) bytes += tail.bytes;
    return bytes;
  }

  /** Whether the caller knows more of the topology than this node. */
  #isBehind(epoch: number): boolean {
    if (epoch <= this.#knowledge.revision) return false;
    this.catchUp();
    return true;
  }

  #isNode(bootId: BootId): boolean {
    return this.topology?.nodes.some((node) => node.bootId === bootId) === true;
  }

  #told(partition: number, entry: PartitionEntry): void {
    // Believed, it would count for good, and be told to all others. Right entries are told again.
    if (entry.epoch > this.wholeRevision + MAX_REVISIONS_AHEAD) return this.catchUp();
    const isFirst = this.#knowledge.topology === undefined;
    if (!this.#knowledge.tell(partition, entry)) return;
    this.#touched(partition).entryChanged(entry, isFirst);
    this.catchUp();
  }

  /** Seldom: each process in memory that ever was a node has had a boot id of its own. */
  #forgetOthers({ nodes, partitions }: Topology): void {
    if (this.leases.size < nodes.length + FORGOTTEN_TOGETHER) return;
    const known = new Set(nodes.map(({ bootId }) => bootId));
    for (const { inSync, learner } of partitions)
      for (const copy of [...inSync, learner]) if (copy !== undefined) known.add(copy);
    this.leases.forget((bootId) => known.has(bootId), this.ports.nowMs() - this.times.graceMs);
  }

  #leaseCame(): void {
    for (const { primary } of this.#attention.active) primary?.leaseCame();
  }

  /** Sends what a step has gathered. */
  #finish(): void {
    this.requests.flush();
    this.#beacons.flush();
  }
}

/** Why a copy could not be filled, or was removed. */
export interface CopyFailure {
  readonly partition: number;
  readonly copy: BootId;
  readonly reason: string;
}

const MAX_FAILURES = 1000;
/** A part of the processes that the leases may know beside those of the topology. */
const FORGOTTEN_TOGETHER = 100;
