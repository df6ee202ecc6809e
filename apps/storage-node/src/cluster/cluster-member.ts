import { setTimeout as delay } from 'node:timers/promises';
import { ClusterClock, type EngineIdentity, type KvStore, type StorageEngine } from '@kvs/kv-store';
import type { FrameCursor, PeerReceiver } from '@kvs/node-link';
import { KvsError } from '@kvs/protocol';
import { NodeReplica, type Replica } from '@kvs/replication';
import {
  isBootId,
  type BootId,
  type Invitation,
  type NodeIdentity,
  type PrimaryOrder,
  type PromotionAnswer,
  type PromotionQuestion,
  type TopologyAnswer,
} from '@kvs/topology';
import type { ClusterConfig } from './cluster-config.js';
import { ControlPlaneClient, ControlPlaneError } from './control-plane-client.js';
import { notJoined, NOT_JOINED, type CurrentOperations, type Operations } from './current-operations.js';
import type { NodeClock } from './node-clock.js';
import { nodeReport } from './node-report.js';
import { ReplicatedOperations } from './replicated-operations.js';

export interface ClusterMemberOptions {
  readonly config: ClusterConfig;
  /** Resolves when the engine is open. */
  readonly engine: () => Promise<StorageEngine>;
  readonly store: KvStore;
  readonly clock: NodeClock;
  readonly operations: CurrentOperations;
  /** The operations of a node by itself. */
  readonly alone: Operations;
  readonly log: MemberLog;
}

/** The part of a logger that this class uses. */
export interface MemberLog {
  info(message: string): void;
  warn(message: string): void;
  error(error: unknown, message: string): void;
}

/** A node that is part of the cluster. */
interface Membership {
  readonly id: string;
  readonly identity: EngineIdentity;
  readonly engine: StorageEngine;
  readonly client: ControlPlaneClient;
  readonly node: NodeReplica;
}

/**
 * The node's part in a cluster: it joins at a proxy, reports about every second, does what the controller asks, and hands its
 * partitions over before it ends. A node that neither has `--join` nor was invited does nothing of this.
 */
export class ClusterMember {
  /** Takes the messages of other nodes from the link server. */
  readonly receiver: PeerReceiver = {
    identity: () => this.#membership?.node.receiver.identity(),
    receive: (from: string, cursor: FrameCursor) => this.#membership?.node.receiver.receive(from, cursor),
  };

  readonly #options: ClusterMemberOptions;
  readonly #ended = new AbortController();
  #membership: Membership | undefined;
  /** Set as soon as the node is to be part of a cluster. */
  #joining: Promise<void> | undefined;
  /** Whether no proxy has answered the last request. */
  #isUnreachable = false;

  constructor(options: ClusterMemberOptions) {
    this.#options = options;
    if (options.config.join.length > 0) this.#beginToJoin();
  }

  /** The replica of this node, as soon as it has joined. */
  get replica(): Replica | undefined {
    return this.#membership?.node.replica;
  }

  /** How many links to other nodes are open. */
  get openLinks(): number {
    return this.#membership?.node.openLinks ?? 0;
  }

  /** Why the node can't serve; undefined if it can. */
  get obstacle(): string | undefined {
    return this.#joining !== undefined && this.#membership === undefined ? NOT_JOINED : undefined;
  }

  /** The node listens at this `host:port`. Joins the proxies of `--join`, if there are any. */
  listening(bound: string): void {
    const { join, id, address = bound } = this.#options.config;
    if (join.length > 0) this.#join(join, id ?? address, address);
  }

  /**
   * A proxy invites the node to its cluster. An invitation while the node is joining changes nothing.
   *
   * @throws KvsError if the node can't accept
   */
  async invited({ proxy, address }: Invitation): Promise<void> {
    if (this.#joining !== undefined) return;
    const { engine, config } = this.#options;
    if ((await engine()).replication === undefined)
      throw new KvsError('not_implemented', 'the storage engine of this node can not be part of a cluster');
    if (this.#joining !== undefined) return;
    this.#beginToJoin();
    this.#join([proxy], config.id ?? address, config.address ?? address);
  }

  /** Says which partitions the node still agrees to become primary of. */
  promotions({ clusterId, bootId, promotions }: PromotionQuestion): PromotionAnswer {
    const replica = this.replica;
    if (replica?.topology?.clusterId !== clusterId || replica.bootId !== bootId) return { partitions: [] };
    const agreed = promotions.filter(
      ({ partition, epoch }) => replica.roleIn(partition) === 'copy' && replica.epochOf(partition) === epoch,
    );
    return { partitions: agreed.map(({ partition }) => partition) };
  }

  /** Hands all partitions over to other copies, as far as that is possible within {@link HAND_OVER_MS} and a proxy answers. */
  async leave(): Promise<void> {
    const replica = this.replica;
    if (replica === undefined) return;
    const endMs = performance.now() + HAND_OVER_MS;
    let left = handOverAll(replica);
    while (left > 0 && performance.now() < endMs && !this.#isUnreachable) {
      await delay(HAND_OVER_PAUSE_MS);
      left = handOverAll(replica);
    }
    if (left > 0) this.#options.log.warn(`${left} partitions were not handed over in time`);
  }

  /** Announces its end to the cluster, and ends the links to other nodes. */
  async close(): Promise<void> {
    this.#ended.abort();
    const { id, node, client, engine } = this.#membership ?? {};
    if (node === undefined || engine === undefined) return;
    node.close();
    try {
      await client?.report(id ?? '', await nodeReport(node.replica, engine, this.#options.clock, true));
    } catch (error) {
      this.#warn(error);
    }
  }

  #beginToJoin(): void {
    const { operations, alone } = this.#options;
    operations.use(notJoined(alone));
    this.#joining ??= Promise.resolve();
  }

  #join(proxies: readonly string[], id: string, address: string): void {
    const { log } = this.#options;
    this.#joining = this.#untilJoined(proxies, id, address).catch((error: unknown) => {
      if (!this.#ended.signal.aborted) log.error(error, 'the node can not join its cluster');
    });
  }

  async #untilJoined(proxies: readonly string[], id: string, address: string): Promise<void> {
    const { config, clock, log, store, operations } = this.#options;
    const engine = await this.#options.engine();
    const { replication } = engine;
    if (replication === undefined) throw new TypeError(`the engine ${engine.name} keeps no positions`);
    const clusterClock = new ClusterClock();
    clock.follow(clusterClock);
    let identity = await replication.start();
    const client = new ControlPlaneClient(await httpService(), proxies, () => ({
      bootId: bootIdOf(identity),
      clusterId: this.replica?.topology?.clusterId,
      revision: this.replica?.revision ?? 0,
    }));
    const { zone, weight } = config;
    const register = (): Promise<TopologyAnswer> =>
      client.join({
        ...identity,
        bootId: bootIdOf(identity),
        id,
        address,
        zone,
        weight,
      } satisfies NodeIdentity);
    const joined = await this.#untilAnswered(register, async () => {
      log.warn('the data directory is older than the cluster knows it, so its pairs are no copy any more');
      identity = await replication.renewBootId();
    });
    const node = new NodeReplica(
      {
        bootId: bootIdOf(identity),
        identity,
        engine,
        replication,
        clock: clusterClock,
        controlPlane: client,
        onBreach: (message) => log.warn(message),
        onUnreachable: (error) => this.#warn(error),
        onError: (error) => log.error(error, 'unexpected error'),
      },
      joined,
    );
    this.#membership = { id, identity, engine, client, node };
    operations.use(new ReplicatedOperations(store, node.replica, clock));
    log.info(`joined the cluster ${joined.topology.clusterId} as ${id} at ${address}`);
    void this.#reportForever(this.#membership, register);
  }

  /** @param renew takes a new boot id, because the directory was restored from a backup */
  async #untilAnswered(
    register: () => Promise<TopologyAnswer>,
    renew: () => Promise<void>,
  ): Promise<TopologyAnswer> {
    for (;;) {
      try {
        return await register();
      } catch (error) {
        if (error instanceof ControlPlaneError && error.code === 'outdated_directory') await renew();
        else this.#warn(error);
      }
      await this.#pause();
    }
  }

  async #reportForever(member: Membership, register: () => Promise<TopologyAnswer>): Promise<void> {
    while (!this.#ended.signal.aborted) {
      try {
        await this.#report(member, register);
        if (this.#isUnreachable) this.#options.log.info('a proxy of the cluster answers again');
        this.#isUnreachable = false;
      } catch (error) {
        this.#warn(error);
      }
      await this.#pause().catch(() => undefined);
    }
  }

  async #report(
    { id, engine, client, node }: Membership,
    register: () => Promise<TopologyAnswer>,
  ): Promise<void> {
    const { replica } = node;
    const report = await nodeReport(replica, engine, this.#options.clock, false);
    try {
      const { revision, orders, transferBytesPerSecond } = await client.report(id, report);
      node.limitTransfers(transferBytesPerSecond);
      for (const order of orders) follow(replica, order);
      if (revision > replica.revision) node.learn(await client.readTopology());
    } catch (error) {
      // An operator has removed the node, and it still runs.
      if (error instanceof ControlPlaneError && error.code === 'unknown_node') node.learn(await register());
      else throw error;
    }
  }

  /** Rejects when the node ends. */
  async #pause(): Promise<void> {
    await delay(REPORT_MS, undefined, { signal: this.#ended.signal });
  }

  /** Logs that no proxy answers, once until one does. */
  #warn(error: unknown): void {
    if (this.#isUnreachable || this.#ended.signal.aborted) return;
    this.#isUnreachable = true;
    this.#options.log.warn(error instanceof Error ? error.message : String(error));
  }
}

/** Asks copies to take over. Returns how many partitions this node still has that another copy could take. */
function handOverAll(replica: Replica): number {
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

function follow(replica: Replica, order: PrimaryOrder): void {
  if (replica.epochOf(order.partition) !== order.epoch) return;
  if (order.kind === 'handOver') replica.handOver(order.partition, order.to);
  else replica.release(order.partition, order.copy);
}

function bootIdOf({ bootId }: EngineIdentity): BootId {
  if (!isBootId(bootId)) throw new TypeError('the storage engine has no boot id');
  return bootId;
}

/** The HTTP client is loaded only by nodes of a cluster. */
async function httpService() {
  const { HttpService } = await import('@nestjs/axios');
  return new HttpService();
}

const REPORT_MS = 1000;
const HAND_OVER_MS = 5000;
const HAND_OVER_PAUSE_MS = 20;
