import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { StorageEngine } from '@kvs/kv-store';
import type { FrameCursor, PeerIdentity, PeerReceiver } from '@kvs/node-link';
import { addressOf, hostOf, KvsError } from '@kvs/protocol';
import type { NodeReplica, Replica } from '@kvs/replication';
import type {
  BootId,
  Invitation,
  LastingProblem,
  PromotionAnswer,
  PromotionQuestion,
  Topology,
  TopologyAnswer,
} from '@kvs/topology';
import { refusing, NOT_JOINED } from '../operations.js';
import type { ClusterConfig } from './cluster-config.js';
import type { CandidateParts, ClusterRole, OwnReport } from './cluster-role.js';
import type { ControlPlaneClient } from './control-plane-client.js';
import { ControlPlaneError } from './control-plane-error.js';
import { handOverEverything } from './leaving.js';
import { overruledOptions } from './overruled-options.js';

export interface ClusterMemberOptions extends Pick<
  CandidateParts,
  'store' | 'clock' | 'nowMs' | 'alone' | 'use' | 'log'
> {
  readonly config: ClusterConfig;
  /** How long the node waits before it ends until others have copies of pairs that it alone has, in milliseconds. */
  readonly leaveTimeoutMs: number;
  /** Resolves when the engine is open. */
  readonly engine: () => Promise<StorageEngine>;
}

/** A node that is part of the cluster. */
interface Membership {
  readonly id: string;
  readonly client: ControlPlaneClient;
  readonly role: ClusterRole;
}

/**
 * The node's part in a cluster: it joins at a proxy, reports about every second, does what the controller asks, and hands its
 * partitions over before it ends. A node that neither has `--join` nor was invited does nothing of this.
 */
export class ClusterMember {
  /** Takes the messages of other nodes from the link server. */
  readonly receiver: PeerReceiver = {
    identity: () => this.#identity,
    receive: (from: string, cursor: FrameCursor) => this.#nodeReplica?.receiver.receive(from, cursor),
    heard: (from: string) => this.#nodeReplica?.receiver.heard(from),
  };

  readonly #options: ClusterMemberOptions;
  readonly #processId = randomUUID();
  readonly #ended = new AbortController();
  #client: ControlPlaneClient | undefined;
  #membership: Membership | undefined;
  /** Whether the node is to be part of a cluster, or is already. */
  #hasCluster = false;
  /** False as soon as a cluster may count on this node, or as the node is started for one. */
  #isAlone = true;
  #isLeaving = false;
  #redisPort: number | undefined;
  /** The revision that the answer to the last report named. */
  #announced = 0;
  /** Since when no process has listened where the proxies were; undefined if one listened to the last request. */
  #proxiesGoneSinceMs: number | undefined;
  /** Why the node can't join or report at present. Set as soon as the node tries. */
  #problem: LastingProblem | undefined;

  constructor(options: ClusterMemberOptions) {
    this.#options = options;
    if (options.config.join.length === 0) return;
    this.#hasCluster = true;
    this.#stopServingAlone();
  }

  /** The replica of this node, as soon as it has joined; undefined also for a node with a shared store. */
  get replica(): Replica | undefined {
    return this.#nodeReplica?.replica;
  }

  /** How many links to other nodes are open. */
  get openLinks(): number {
    return this.#nodeReplica?.openLinks ?? 0;
  }

  /** The boot id under which the topology names this node, as soon as it has joined. */
  get bootId(): BootId | undefined {
    return this.#membership?.role.bootId;
  }

  /** Whether this node serves a partition of its cluster now. */
  isServing(partition: number): boolean {
    return this.#membership?.role.isServing(partition) === true;
  }

  /** The newest topology that this node knows, as soon as it has joined. */
  get topology(): Topology | undefined {
    return this.#membership?.role.topology;
  }

  /** Why the node can't serve; undefined if it can. */
  get obstacle(): string | undefined {
    if (this.#isAlone || this.#membership !== undefined) return undefined;
    const reason = this.#problem?.reason;
    return reason === undefined ? NOT_JOINED : `${NOT_JOINED}: ${reason}`;
  }

  /** The node listens for Redis clients at this port. */
  listeningForRedis(port: number): void {
    this.#redisPort = port;
  }

  /** The node listens at this `host:port`. Joins the proxies of `--join`, if there are any. */
  listening(bound: string): void {
    const { join, id, address = bound } = this.#options.config;
    if (join.length > 0) this.#join(join, id ?? address, address);
  }

  /**
   * A proxy invites the node to its cluster. A node that has joined asks this proxy too from now on: a proxy invites the nodes
   * that it does not hear, and the proxies that the node knows may be gone. A node that serves by itself goes on until a proxy has
   * shown it the topology.
   *
   * @throws KvsError if the node can't accept
   */
  async invited({ proxy, address }: Invitation): Promise<void> {
    const { engine, config } = this.#options;
    if (this.#hasCluster) {
      // The proxy may be of another cluster, which a node with --join must not join.
      if (config.join.length === 0 || this.#membership !== undefined) this.#client?.add(proxy);
      return;
    }
    const opened = await engine();
    if (opened.replication === undefined && opened.sharedStoreId === undefined) throw unfit(opened);
    if (this.#hasCluster) return;
    this.#join([proxy], config.id ?? address, config.address ?? address);
  }

  /**
   * Says which partitions the node still agrees to become primary of. If it is about to end: only those that would be lost with it.
   *
   * @throws KvsError `unknown_node`: the question is for another process
   */
  promotions({ clusterId, bootId, promotions }: PromotionQuestion): PromotionAnswer {
    if (this.topology?.clusterId !== clusterId || this.bootId !== bootId)
      throw new KvsError('unknown_node', `this is another process than ${bootId}`);
    const { replica } = this;
    const { role } = this.#membership ?? {};
    const agreed = promotions.filter(
      ({ partition, epoch }) =>
        (!this.#isLeaving || role?.mustTakeOver(partition) === true) &&
        replica?.roleIn(partition) === 'copy' &&
        replica.epochOf(partition) === epoch,
    );
    return { partitions: agreed.map(({ partition }) => partition) };
  }

  /** Has other nodes take over what this node has before it ends. */
  async leave(): Promise<void> {
    if (this.#membership === undefined) return;
    const { role } = this.#membership;
    const { log, leaveTimeoutMs, nowMs } = this.#options;
    this.#isLeaving = true;
    role.leave();
    // The controller must know before the first hand-over, or it gives partitions back.
    await Promise.race([this.#tellLeaving(this.#membership), delay(TELL_MS, undefined, { ref: false })]);
    const proxiesGoneMs = () => nowMs() - (this.#proxiesGoneSinceMs ?? nowMs());
    await handOverEverything({ role, leaveTimeoutMs, proxiesGoneMs, nowMs, log });
  }

  async #tellLeaving({ id, client, role }: Membership): Promise<void> {
    try {
      role.obey(await client.report(id, await this.#newReport(role)));
      this.#endProblem();
    } catch (error) {
      this.#warn(error);
    }
  }

  /** Announces its end to the cluster, and ends the links to other nodes. */
  async close(): Promise<void> {
    this.#ended.abort();
    if (this.#membership === undefined) return;
    const { id, role, client } = this.#membership;
    role.close();
    try {
      await client.report(id, await role.report(true));
    } catch (error) {
      this.#warn(error);
    }
  }

  /** The replica of this node, if its engine can have copies. */
  get #nodeReplica(): NodeReplica | undefined {
    return this.#membership?.role.nodeReplica;
  }

  /** How the node names itself on links, as soon as it has joined. */
  get #identity(): PeerIdentity | undefined {
    const { topology, bootId } = this;
    return topology && bootId && { clusterId: topology.clusterId, bootId };
  }

  #stopServingAlone(): void {
    const { use, alone } = this.#options;
    this.#isAlone = false;
    use(refusing(alone));
  }

  #join(proxies: readonly string[], id: string, address: string): void {
    const { log } = this.#options;
    this.#hasCluster = true;
    this.#untilJoined(proxies, id, address).catch((error: unknown) => {
      if (!this.#ended.signal.aborted) log.error(error, 'the node cannot join its cluster');
    });
  }

  async #untilJoined(proxies: readonly string[], id: string, address: string): Promise<void> {
    const { config, clock, log, use } = this.#options;
    const { zone, weight } = config;
    const { candidateOf, controlPlaneClient, followTopology, LastingProblem } = await import('./joining.js');
    this.#problem = new LastingProblem(
      { warn: (_, message) => log.warn(message) },
      'the node cannot join its cluster or report to it',
    );
    const engine = await this.#options.engine();
    const onUnreachable = (error: unknown): void => this.#warn(error);
    const candidate = candidateOf(engine, { ...this.#options, onUnreachable });
    if (candidate === undefined) throw unfit(engine);
    const client = controlPlaneClient(proxies, () => ({
      // A getter, because the candidate has no boot id before it says what it has.
      get bootId() {
        return candidate.bootId;
      },
      clusterId: this.topology?.clusterId,
      revision: this.#membership?.role.revision ?? 0,
    }));
    this.#client = client;
    if (this.#isAlone) {
      await this.#untilAnswered(() => client.readTopology());
      // Before the request to join: the cluster may accept it although no answer comes.
      this.#stopServingAlone();
      clock.followCluster();
    }
    const register = async (): Promise<TopologyAnswer> => {
      const { sharedStore, bootId, isDurable, starts } = await candidate.identify();
      const redisAddress = this.#redisAddress(address);
      const process = { bootId, isDurable, starts, processId: this.#processId };
      const identity = { id, address, redisAddress, zone, weight, ...process };
      return client.join(identity, sharedStore);
    };
    const { joined, role } = await this.#untilAnswered(
      async () => {
        const joined = await register();
        return { joined, role: candidate.join(joined, client) };
      },
      () => candidate.renew(),
    );
    this.#membership = { id, client, role };
    this.#endProblem();
    use(role.operations);
    log.info(`joined the cluster ${joined.topology.clusterId} as ${id} at ${address}`);
    for (const warning of overruledOptions(joined.topology, { id, zone, weight })) log.warn(warning);
    void followTopology(client, role, this.#ended.signal);
    void this.#reportForever(this.#membership, register);
  }

  /** Returns where Redis clients reach a node that others reach at `address`; undefined if it does not listen for them. */
  #redisAddress(address: string): string | undefined {
    if (this.#redisPort === undefined) return undefined;
    return addressOf(this.#options.config.announceHost ?? hostOf(address), this.#redisPort);
  }

  /**
   * Tries again until the proxies and the engine answer.
   *
   * @param renew takes a new boot id, because the directory was restored from a backup
   */
  async #untilAnswered<T>(
    ask: () => Promise<T>,
    renew: () => Promise<void> = async () => undefined,
  ): Promise<T> {
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if (error instanceof ControlPlaneError && error.code === 'outdated_directory')
          await renew().catch((failure: unknown) => this.#warn(failure));
        else this.#warn(error);
      }
      await this.#pause(REPORT_MS);
    }
  }

  async #reportForever(member: Membership, register: () => Promise<TopologyAnswer>): Promise<void> {
    while (!this.#ended.signal.aborted) {
      const { revision } = member.role;
      let hasOrders = false;
      try {
        hasOrders = await this.#report(member, register);
        if (this.#problem?.reason !== undefined)
          this.#options.log.info('the node reports to its cluster again');
        this.#endProblem();
      } catch (error) {
        this.#warn(error);
      }
      await this.#pause(NEWS_REPORT_MS).catch(() => undefined);
      const isQuiet = !hasOrders && member.role.revision === revision;
      if (isQuiet && !this.#isLeaving) await this.#pause(REPORT_MS - NEWS_REPORT_MS).catch(() => undefined);
    }
  }

  async #newReport(role: ClusterRole): Promise<OwnReport> {
    return { ...(await role.report(false)), isLeaving: this.#isLeaving };
  }

  /** Returns whether the answer had orders. */
  async #report({ id, client, role }: Membership, register: () => Promise<TopologyAnswer>): Promise<boolean> {
    const report = await this.#newReport(role);
    try {
      const answer = await client.report(id, report);
      role.obey(answer);
      // A topology that is newer since the last report comes by itself, and a read asks the store.
      const known = this.#announced;
      this.#announced = answer.revision;
      // Not the revision of the role, which may know single entries that are newer than its topology.
      if (known > (role.topology?.revision ?? 0)) role.learn(await client.readTopology());
      return answer.orders.length > 0;
    } catch (error) {
      // An operator has removed the node, or another process has its id.
      if (!(error instanceof ControlPlaneError) || error.code !== 'unknown_node') throw error;
      role.learn(await register());
      this.#options.log.warn(`joined the cluster again as ${id}, because ${error.message}`);
      return false;
    }
  }

  /** Rejects when the node ends. */
  async #pause(ms: number): Promise<void> {
    await delay(this.#isLeaving ? LEAVING_REPORT_MS : ms, undefined, { signal: this.#ended.signal });
  }

  #warn(error: unknown): void {
    if (this.#ended.signal.aborted) return;
    let reason = error;
    if (error instanceof ControlPlaneError) {
      this.#proxiesGoneSinceMs = error.hasNoListener
        ? (this.#proxiesGoneSinceMs ?? this.#options.nowMs())
        : undefined;
      // Requests of several kinds fail for one reason.
      reason = error.cause ?? error;
    }
    this.#problem?.meet(reason);
  }

  #endProblem(): void {
    this.#proxiesGoneSinceMs = undefined;
    this.#problem?.end();
  }
}

function unfit({ name }: StorageEngine): KvsError {
  return new KvsError('not_implemented', `the storage engine ${name} cannot be part of a cluster`);
}

const REPORT_MS = 1000;
/** While the topology changes, orders follow soon. */
const NEWS_REPORT_MS = 500;
/** A node that leaves tells it soon, and soon learns that others have its partitions. */
const LEAVING_REPORT_MS = 100;
/** How long a node that leaves waits for the answer to the report that says so. */
const TELL_MS = 1000;
