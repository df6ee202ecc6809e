import type { EngineIdentity, EngineReplication, StorageEngine } from '@kvs/kv-store';
import { NodeReplica, type Replica } from '@kvs/replication';
import {
  isBootId,
  type BootId,
  type PrimaryOrder,
  type ReportAnswer,
  type Topology,
  type TopologyAnswer,
} from '@kvs/topology';
import type { Candidate, CandidateParts, ClusterRole, OwnReport } from './cluster-role.js';
import { nodeReport } from './node-report.js';
import { ReplicatedOperations } from './replicated-operations.js';

/** Returns the candidate of an engine that keeps positions, so that it can have copies of partitions. */
export function candidateWithCopies(
  engine: StorageEngine,
  replication: EngineReplication,
  parts: CandidateParts,
): Candidate {
  const { clusterClock: clock, log, onUnreachable } = parts;
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
      log.warn(
        'the data directory is older than the one that the cluster knows, so its pairs do not count as a copy any more',
      );
      identity = await replication.renewBootId();
    },
    join: (joined, controlPlane) => {
      if (identity === undefined) throw new TypeError('a node joins after it has said what it has');
      const copies = new NodeReplica(
        {
          bootId: bootIdOf(identity),
          identity,
          engine,
          replication,
          clock,
          controlPlane,
          onBreach: (message) => log.warn(message),
          onUnreachable,
          onError: (error) => log.error(error, 'unexpected error'),
        },
        joined,
      );
      return new CopiesRole(copies, engine, parts);
    },
  };
}

/** The part of a node that has copies of partitions. */
export class CopiesRole implements ClusterRole {
  readonly operations: ReplicatedOperations;
  readonly copies: NodeReplica;
  readonly #engine: StorageEngine;
  readonly #clock: CandidateParts['clock'];

  constructor(copies: NodeReplica, engine: StorageEngine, { store, clock }: CandidateParts) {
    this.copies = copies;
    this.#engine = engine;
    this.#clock = clock;
    this.operations = new ReplicatedOperations(store, copies.replica, clock);
  }

  get bootId(): BootId {
    return this.copies.replica.bootId;
  }

  isServing(partition: number): boolean {
    return this.copies.replica.isServing(partition);
  }

  get topology(): Topology | undefined {
    return this.copies.replica.topology;
  }

  get revision(): number {
    return this.copies.replica.revision;
  }

  learn(answer: TopologyAnswer): void {
    this.copies.learn(answer);
  }

  obey({ orders, transferBytesPerSecond }: ReportAnswer): void {
    this.copies.limitTransfers(transferBytesPerSecond);
    for (const order of orders) follow(this.copies.replica, order);
  }

  report(isEnding: boolean): Promise<OwnReport> {
    return nodeReport(this.copies.replica, this.#engine, this.#clock, isEnding);
  }

  /** Asks the copies of partitions to take over. */
  handOverAll(): number {
    const { replica } = this.copies;
    let count = 0;
    for (const { partition } of replica.states()) {
      const entry = replica.topology?.partitions[partition];
      const others = entry?.inSync.filter((copy) => copy !== replica.bootId) ?? [];
      const successor = others[partition % Math.max(others.length, 1)];
      if (replica.roleIn(partition) !== 'primary' || successor === undefined) continue;
      count++;
      replica.handOver(partition, successor);
    }
    return count;
  }

  close(): void {
    this.copies.close();
  }
}

function follow(replica: Replica, order: PrimaryOrder): void {
  if (replica.epochOf(order.partition) !== order.epoch) return;
  if (order.kind === 'handOver') replica.handOver(order.partition, order.to);
  else replica.release(order.partition, order.copy);
}

function bootIdOf(identity: EngineIdentity | undefined): BootId {
  const bootId = identity?.bootId;
  if (!isBootId(bootId)) throw new TypeError('the storage engine has no boot id');
  return bootId;
}
