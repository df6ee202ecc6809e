import { KvsError } from '@kvs/protocol';
import type {
  EntriesRequest,
  JoinRequest,
  NodeReport,
  NodeUpdate,
  ReportAnswer,
  TopologyAnswer,
} from '../control-plane/messages.js';
import { isBootId } from '../json-fields.js';
import type { PlanSettings } from '../planning/plan-input.js';
import {
  endProcess,
  registerNode,
  removeNode,
  updateNode,
  updateSettings,
  type SettingsUpdate,
} from '../topology-changes.js';
import { hasRole, newTopology, type BootId, type ClusterSettings, type Topology } from '../topology.js';
import { ChangeLog } from './change-log.js';
import { statusOf, type ClusterStatus } from './cluster-status.js';
import { Controller } from './controller.js';
import { EntryQueue } from './entry-queue.js';
import { LastingProblem } from './lasting-problem.js';
import { NodePresence } from './node-presence.js';
import { NodeReports } from './node-reports.js';
import type { ControlPorts } from './ports.js';
import { ShareLog } from './share-log.js';
import { TopologyKeeper } from './topology-keeper.js';
import { TopologyNews } from './topology-news.js';

export interface ClusterControlSettings extends PlanSettings {
  /** For the first topology. A topology that exists keeps its own. */
  readonly cluster: ClusterSettings;
  /** How other processes reach this proxy. */
  readonly url: string;
  /** How many bytes of fills each node may send per second; undefined for no limit. */
  readonly transferBytesPerSecond: number | undefined;
  /** How many requests may wait for a newer topology: fewer than the proxy has room for, so that it still takes reports. */
  readonly maxNewsRequests: number;
}

/**
 * The control plane of a proxy, without its HTTP: nodes join, report and ask for changes; operators look and decide; and the
 * controller works if this proxy leads.
 */
export class ClusterControl {
  readonly #settings: ClusterControlSettings;
  readonly #ports: ControlPorts;
  readonly #problem: LastingProblem;
  readonly #keeper: TopologyKeeper;
  readonly #news: TopologyNews;
  readonly #queue: EntryQueue;
  readonly #reports: NodeReports;
  readonly #presence: NodePresence;
  readonly #controller: Controller;
  readonly #changes: ChangeLog;
  #endWatch: () => void = () => undefined;

  constructor(settings: ClusterControlSettings, ports: ControlPorts) {
    this.#settings = settings;
    this.#ports = ports;
    this.#problem = new LastingProblem(ports.log, 'the topology cannot be read');
    this.#keeper = new TopologyKeeper(ports.store, ports.timers);
    this.#news = new TopologyNews(this.#keeper, ports.timers, settings.maxNewsRequests);
    this.#reports = new NodeReports(ports);
    this.#presence = new NodePresence(this.#keeper, this.#reports, ports);
    this.#changes = new ChangeLog(ports.log, this.#reports);
    this.#queue = new EntryQueue(this.#keeper, ports, (before, after, failovers) =>
      this.#changes.notePromotions(before, after, failovers),
    );
    const { url } = settings;
    const parts = { keeper: this.#keeper, queue: this.#queue, reports: this.#reports, ports, settings, url };
    this.#controller = new Controller(parts);
    const shareLog = new ShareLog(ports);
    this.#keeper.watch((topology, before) => {
      if (!this.#controller.isLeading || before === undefined) return;
      const shares = this.#controller.plan?.shares;
      if (shares !== undefined) shareLog.note(topology, shares);
      this.#changes.note(before, topology);
    });
  }

  /** The newest topology that this proxy knows; undefined before {@link start}. */
  get topology(): Topology | undefined {
    return this.#keeper.current;
  }

  /** The time of the cluster as far as this proxy knows it, in milliseconds since the Unix epoch. */
  get timeMs(): number {
    return this.#reports.time.nowMs();
  }

  /** Calls the listener with each newer topology. */
  watch(listener: (topology: Topology) => void): void {
    this.#keeper.watch(listener);
  }

  /**
   * Reads the topology, or makes the first one, and begins to lead if no other proxy does.
   *
   * @throws KvsError `store_unavailable`, `invalid_topology`
   */
  async start(): Promise<void> {
    await this.#keeper.create(newTopology(this.#settings.cluster));
    this.#endWatch = this.#ports.store.watch(() => this.#refresh());
    this.#controller.start();
  }

  /**
   * Ends the requests that wait, and lets another proxy lead, because this one is about to stop: nodes that it refuses would
   * have no controller as long as it drains.
   *
   * @throws KvsError `store_unavailable`: the lead ends by itself
   */
  async leave(): Promise<void> {
    this.#news.end();
    await this.#controller.resign();
  }

  stop(): void {
    this.#news.end();
    this.#endWatch();
    this.#controller.stop();
  }

  /** Reads the topology freshly from the store. */
  async read(): Promise<TopologyAnswer> {
    return this.#answer(await this.#keeper.read());
  }

  /**
   * Resolves with a topology of a higher revision as soon as this proxy knows one. It may not be the newest of the store.
   * Resolves with undefined if there is none for some seconds.
   *
   * @param gone aborts when nobody waits any more
   */
  async newerThan(revision: number, gone: AbortSignal): Promise<TopologyAnswer | undefined> {
    const topology = await this.#news.after(revision, gone);
    return topology && this.#answer(topology);
  }

  /** @throws KvsError `wrong_cluster`, `wrong_store`, `duplicate_node`, `outdated_directory`, `outdated_store`, `store_unavailable` */
  async join(request: JoinRequest): Promise<TopologyAnswer> {
    const { node, sharedStore } = request;
    await this.#keeper.checkSender(request, node.id);
    await this.#presence.refuseTwin(node);
    const topology = await this.#keeper.change((current) => registerNode(current, node, sharedStore));
    this.#reports.hear(node.bootId);
    return this.#answer(topology);
  }

  /**
   * Makes the changes that are still possible. Changes that were not possible show in the answer.
   *
   * @param receivedMs when the request came, by the monotonic clock
   * @throws KvsError `wrong_cluster`, `outdated_store`, `store_unavailable`
   */
  async changeEntries(request: EntriesRequest, receivedMs: number): Promise<TopologyAnswer> {
    await this.#keeper.checkSender(request, request.by);
    return this.#answer(await this.#queue.submit(request.requests, receivedMs, request.by));
  }

  /**
   * Takes the report of a node. Without a known leader, it takes only the last report of a process that has its pairs in
   * memory: the topology says that the process has ended, so the proxy that leads learns of it.
   *
   * @throws KvsError `wrong_cluster`, `unknown_node`, `outdated_store`; `store_unavailable`: the node should ask the next proxy
   */
  async report(id: string, report: NodeReport): Promise<ReportAnswer> {
    await this.#keeper.checkSender(report, id);
    const topology = await this.#keeper.atLeast(report.revision);
    const node = topology.nodes.find((one) => one.id === id);
    if (node?.bootId !== report.bootId) {
      throw new KvsError('unknown_node', `${id} is not registered with the boot id ${report.bootId}`);
    }
    const endsInTopology = report.isEnding && !node.isDurable;
    if (this.#controller.leader === undefined && !endsInTopology)
      throw new KvsError('store_unavailable', 'this proxy does not know which proxy leads');
    this.#reports.hear(report.bootId, report);
    if (endsInTopology) await this.#keeper.change((now) => endProcess(now, node));
    const { leader, isLeading } = this.#controller;
    return {
      revision: this.#keeper.current?.revision ?? 0,
      timeMs: this.timeMs,
      leader: isLeading ? undefined : leader,
      transferBytesPerSecond: this.#settings.transferBytesPerSecond,
      orders: this.#controller.ordersFor(report.bootId),
      leaving: isLeading ? this.#reports.leaving : undefined,
    };
  }

  /** @throws KvsError `unknown_node` */
  async updateNode(id: string, update: NodeUpdate): Promise<void> {
    await this.#keeper.change((topology) => updateNode(topology, id, update));
  }

  /** @throws KvsError `invalid_shape` */
  async updateSettings(update: SettingsUpdate): Promise<void> {
    await this.#keeper.change((topology) => updateSettings(topology, update));
  }

  /**
   * Takes a node off the list. A node that has copies is drained first, and stays on the list until this is called again.
   *
   * @param id the id of the node, or the boot id of a process that is no node any more
   * @param isGone whether an operator vouches that the process has ended and that its pairs are gone
   * @throws KvsError `unknown_node`; `node_in_use`: an operator vouches for the end of a process that answers, or the id is a boot
   * id, its process has a role in some partition, and nobody vouches for its end; or a process with the id joins meanwhile
   */
  async removeNode(id: string, isGone: boolean): Promise<NodeRemoval> {
    const silent = isGone ? await this.#presence.refuseRunning(id) : undefined;
    let removal: NodeRemoval = { state: 'removed' };
    let wasRemoved = false;
    await this.#keeper.change((topology) => {
      if (isGone) refuseOther(topology, id, silent);
      const node = topology.nodes.find((one) => one.id === id);
      const copies = isGone || node === undefined ? 0 : rolesOf(topology, node.bootId);
      removal = copies > 0 ? { state: 'draining', copies } : { state: 'removed' };
      if (copies > 0) return updateNode(topology, id, { state: 'draining' });
      const without = withoutNode(topology, id, isGone);
      // The edit before may have been stored although the store did not say so.
      if (without === undefined && !wasRemoved)
        throw new KvsError('unknown_node', `no node has the id ${id}`);
      wasRemoved = true;
      return without ?? topology;
    });
    return removal;
  }

  /**
   * Starts partitions that are lost and stay offline otherwise: from an older copy, or empty if no process that is away may have
   * pairs. Returns how many start.
   *
   * @throws KvsError `not_leader`, `outdated_store`, `store_unavailable`
   */
  startLost(): Promise<number> {
    return this.#controller.startLost();
  }

  /** Returns which of these addresses belong to no node that is known and heard. Only the leader hears nodes. */
  silent(addresses: readonly string[]): string[] {
    const { nodes } = this.#keeper.current ?? { nodes: [] };
    const { isLeading } = this.#controller;
    const heard = nodes.filter(({ bootId }) => !isLeading || this.#reports.isHeard(bootId));
    return addresses.filter((address) => !heard.some((node) => node.address === address));
  }

  /** Returns the state of the cluster for operators. */
  status(): ClusterStatus {
    const topology = this.#keeper.current;
    if (topology === undefined) throw new KvsError('store_unavailable', 'the topology was not read yet');
    const { leader, plan } = this.#controller;
    const { failoverCount } = this.#changes;
    return statusOf({ topology, reports: this.#reports, leader, plan, failoverCount });
  }

  #answer(topology: Topology): TopologyAnswer {
    return { topology, timeMs: this.timeMs };
  }

  #refresh(): void {
    this.#keeper.read().then(
      () => this.#problem.end(),
      (error: unknown) => this.#problem.meet(error),
    );
  }
}

/** The outcome of a request to remove a node. The names are those of the JSON. */
export type NodeRemoval =
  | { readonly state: 'removed' }
  | {
      readonly state: 'draining';
      /** How many partitions it still has copies of. */
      readonly copies: number;
    };

/** Returns in how many partitions a process has a role. */
function rolesOf({ partitions }: Topology, bootId: BootId): number {
  return partitions.filter((entry) => hasRole(entry, bootId)).length;
}

/** An operator vouches for the end of the process that was asked, and not of one that has joined with the id since then. */
function refuseOther({ nodes }: Topology, id: string, silent: BootId | undefined): void {
  const node = nodes.find((one) => one.id === id || one.bootId === id);
  if (node !== undefined && node.bootId !== silent)
    throw new KvsError('node_in_use', `another process with the id ${id} has just joined`);
}

/** Returns undefined if no process has the id. */
function withoutNode(topology: Topology, id: string, isGone: boolean): Topology | undefined {
  const node = topology.nodes.find((one) => one.id === id || one.bootId === id);
  const bootId = node?.bootId ?? id;
  const roles = isBootId(bootId) ? rolesOf(topology, bootId) : 0;
  if (!isBootId(bootId) || (node === undefined && roles === 0)) return undefined;
  if (roles > 0 && !isGone) {
    throw new KvsError(
      'node_in_use',
      `${id} has a role in ${roles} partitions; say with force=true that it is gone`,
    );
  }
  const ended = isGone ? endProcess(topology, { bootId, isDurable: false }) : topology;
  return node === undefined ? ended : removeNode(ended, node.id);
}
