import type { EngineIdentity, EngineReplication, StorageEngine } from '@kvs/kv-store';
import { NodeReplica, type Replica } from '@kvs/replication';
import {
  isBootId,
  nodeOfBoot,
  type BootId,
  type PrimaryOrder,
  type ReportAnswer,
  type Topology,
  type TopologyAnswer,
  type TopologyNode,
} from '@kvs/topology';
import type { Candidate, CandidateParts, ClusterRole, OnlyCopies, OwnReport } from './cluster-role.js';
import { nodeReport } from './node-report.js';
import { ReplicatedOperations } from './replicated-operations.js';
import { SuccessorTurns } from './successor-turns.js';

/** Returns the candidate of an engine that keeps positions, so that it can have copies of partitions. */
export function candidateWithCopies(
  engine: StorageEngine,
  replication: EngineReplication,
  parts: CandidateParts,
): Candidate {
  const { clock, log, onUnreachable } = parts;
  let identity: EngineIdentity | undefined;
  return {
    get bootId() {
      return bootIdOf(identity);
    },
    identify: async () => {
      identity = await replication.start();
      return { ...identity, bootId: bootIdOf(identity), sharedStore: undefined };
    },
    renew: async () => {
      identity = await replication.renewBootId();
      log.warn(
        'the data directory is older than the one that the cluster knows, so its pairs do not count as a copy any more',
      );
    },
    join: (joined, controlPlane) => {
      if (identity === undefined) throw new TypeError('a node joins after it has said what it has');
      const nodeReplica = new NodeReplica(
        {
          bootId: bootIdOf(identity),
          identity,
          engine,
          replication,
          clock: clock.cluster,
          controlPlane,
          onBreach: (message) => log.warn(message),
          onUnreachable,
          onError: (error) => log.error(error, 'unexpected error'),
        },
        joined,
      );
      return new CopiesRole(nodeReplica, engine, parts);
    },
  };
}

interface ServedPartition {
  readonly partition: number;
  readonly epoch: number;
  /** The other copies in sync whose processes stay. */
  readonly successors: readonly BootId[];
  /** Whether no process that stays or is durable has the pairs, apart from this one. */
  readonly isOnly: boolean;
  readonly learner: BootId | undefined;
}

/** The part of a node that has copies of partitions. */
export class CopiesRole implements ClusterRole {
  readonly operations: ReplicatedOperations;
  readonly nodeReplica: NodeReplica;
  readonly #engine: StorageEngine;
  readonly #clock: CandidateParts['clock'];
  readonly #nowMs: CandidateParts['nowMs'];
  readonly #log: CandidateParts['log'];
  readonly #turns = new SuccessorTurns();
  /** When the hand-overs in flight began, by partition. */
  readonly #handOvers = new Map<number, number>();
  /** The processes that are about to end. */
  #leaving: ReadonlySet<BootId> = new Set();
  /** How many reports in a row found the ceiling of versions near. */
  #nearReports = 0;

  constructor(nodeReplica: NodeReplica, engine: StorageEngine, { store, clock, nowMs, log }: CandidateParts) {
    this.nodeReplica = nodeReplica;
    this.#log = log;
    this.#engine = engine;
    this.#clock = clock;
    this.#nowMs = nowMs;
    this.operations = new ReplicatedOperations(store, nodeReplica.replica, clock);
  }

  get bootId(): BootId {
    return this.nodeReplica.replica.bootId;
  }

  isServing(partition: number): boolean {
    return this.nodeReplica.replica.isServing(partition);
  }

  get topology(): Topology | undefined {
    return this.nodeReplica.replica.topology;
  }

  get revision(): number {
    return this.nodeReplica.replica.revision;
  }

  learn(answer: TopologyAnswer): void {
    this.nodeReplica.learn(answer);
  }

  obey({ orders, transferBytesPerSecond, leaving }: ReportAnswer): void {
    if (leaving !== undefined) this.#leaving = new Set(leaving);
    this.nodeReplica.limitTransfers(transferBytesPerSecond);
    for (const order of orders) follow(this.nodeReplica.replica, order);
  }

  report(isEnding: boolean): Promise<OwnReport> {
    this.#watchCeiling();
    return nodeReport(this.nodeReplica.replica, this.#engine, this.#clock, isEnding);
  }

  leave(): void {
    this.nodeReplica.replica.leave();
  }

  /**
   * Asks the copies of some more partitions to take over. Returns how many partitions have such a copy. Few are handed over at once,
   * because the calls of all of them wait for one change of the topology.
   */
  handOverAll(): number {
    const { replica } = this.nodeReplica;
    const served = this.#served().filter(({ successors }) => successors.length > 0);
    const nowMs = this.#nowMs();
    for (const [partition, beganMs] of this.#handOvers)
      if (nowMs - beganMs > USUAL_HAND_OVER_MS || replica.roleIn(partition) !== 'primary')
        this.#handOvers.delete(partition);
    const moves = served.flatMap(({ partition, epoch, successors }) => {
      const successor = this.#turns.next(partition, epoch, successors);
      return successor === undefined ? [] : [[partition, successor] as const];
    });
    const max = HAND_OVERS_AT_ONCE - this.#handOvers.size;
    for (const partition of replica.handOver(moves, max)) this.#handOvers.set(partition, nowMs);
    return served.length;
  }

  countCopiesToRemove(): number {
    const { replica } = this.nodeReplica;
    const { partitions = [] } = replica.topology ?? {};
    const roles = partitions.map((_, partition) => replica.roleIn(partition));
    // As the controller does it: a node that still serves something keeps its copies, and so does a primary that ends too.
    if (roles.includes('primary')) return 0;
    return partitions.filter(
      ({ primary }, partition) =>
        roles[partition] === 'copy' &&
        primary !== undefined &&
        !this.#leaving.has(primary) &&
        this.nodeReplica.isLinkedTo(primary),
    ).length;
  }

  countOnlyCopies(): OnlyCopies {
    if (this.#node?.isDurable === true) return { count: 0, awaited: 0 };
    const only = this.#served().filter(({ isOnly }) => isOnly);
    const awaited = this.#getsCopies ? only : only.filter(({ learner }) => learner !== undefined);
    // This node becomes primary of these first.
    const { partitions = [] } = this.topology ?? {};
    const last = partitions.filter((_, partition) => this.#isLastCopy(partition)).length;
    return { count: only.length + last, awaited: awaited.length + (this.#getsCopies ? last : 0) };
  }

  mustTakeOver(partition: number): boolean {
    return this.#node?.isDurable === false && this.#isLastCopy(partition) && this.#getsCopies;
  }

  /** Whether the primary of a partition is gone, and no process that stays or is durable has the pairs, apart from this one. */
  #isLastCopy(partition: number): boolean {
    const { primary, inSync = [] } = this.topology?.partitions[partition] ?? {};
    if (this.nodeReplica.replica.roleIn(partition) !== 'copy' || primary === undefined) return false;
    if (this.nodeReplica.isLinkedTo(primary)) return false;
    return !inSync.some((copy) => copy !== this.bootId && this.#keepsPairs(copy));
  }

  /** Whether another process will have its pairs after this one has ended. */
  #keepsPairs(copy: BootId): boolean {
    const { topology } = this;
    if (topology === undefined || topology.ended.some(({ bootId }) => bootId === copy)) return false;
    const isDurable = nodeOfBoot(topology, copy)?.isDurable === true;
    return isDurable || (!this.#leaving.has(copy) && this.nodeReplica.isLinkedTo(copy));
  }

  /** Warns in time that primaries will have no versions to give, because nobody could change the topology for days. */
  #watchCeiling(): void {
    const { versionCeiling = 0 } = this.topology ?? {};
    const isNear = versionCeiling > 0 && versionCeiling - this.#clock.nowMicros() < WARN_BEFORE_MICROS;
    this.#nearReports = isNear ? this.#nearReports + 1 : 0;
    // The leading proxy raises the ceiling within seconds, for example after the whole cluster was off for days.
    if (this.#nearReports === 5)
      this.#log.warn(
        `writes will be refused from ${new Date(versionCeiling / 1000).toISOString()} on, because the topology could not be changed for days`,
      );
  }

  /** Returns the partitions of which this node is primary. */
  #served(): readonly ServedPartition[] {
    const { replica } = this.nodeReplica;
    const { partitions = [], ended = [], nodes = [] } = replica.topology ?? {};
    const gone = new Set([replica.bootId, ...ended.map(({ bootId }) => bootId)]);
    const durable = new Set(nodes.flatMap(({ bootId, isDurable }) => (isDurable ? [bootId] : [])));
    return partitions.flatMap(({ epoch, inSync, learner }, partition) => {
      if (replica.roleIn(partition) !== 'primary') return [];
      const others = inSync.filter((copy) => !gone.has(copy));
      const successors = others.filter((copy) => !this.#leaving.has(copy));
      const isOnly = successors.length === 0 && !others.some((copy) => durable.has(copy));
      return [{ partition, epoch, successors, isOnly, learner }];
    });
  }

  /** Whether the controller has other nodes make copies of partitions that only this node has. */
  get #getsCopies(): boolean {
    const { copies, nodes } = this.topology ?? { copies: 1, nodes: [] };
    if (copies === 1 && this.#node?.state !== 'draining') return false;
    return nodes.some(
      ({ bootId, state }) =>
        state !== 'draining' && !this.#leaving.has(bootId) && this.nodeReplica.isLinkedTo(bootId),
    );
  }

  get #node(): TopologyNode | undefined {
    return this.topology && nodeOfBoot(this.topology, this.bootId);
  }

  close(): void {
    this.nodeReplica.close();
  }
}

function follow(replica: Replica, order: PrimaryOrder): void {
  if (replica.epochOf(order.partition) !== order.epoch) return;
  if (order.kind === 'handOver') replica.handOver([[order.partition, order.to]]);
  else replica.removeSurplus(order.partition, order.copy);
}

function bootIdOf(identity: EngineIdentity | undefined): BootId {
  const bootId = identity?.bootId;
  if (!isBootId(bootId)) throw new TypeError('the storage engine has no boot id');
  return bootId;
}

const HAND_OVERS_AT_ONCE = 128;
/** Hand-overs that take longer hold up no others. */
const USUAL_HAND_OVER_MS = 500;

const WARN_BEFORE_MICROS = 24 * 60 * 60 * 1_000_000;
