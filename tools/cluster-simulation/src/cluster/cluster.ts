import type { Message } from '@kvs/replication';
import {
  changeEntry,
  isStartAfterLoss,
  newTopology,
  updateNode,
  updateSettings,
  type BootId,
  type PrimaryOrder,
  type Topology,
} from '@kvs/topology';
import { changesOf, checkCommit } from '../check/commits.js';
import { AcknowledgedWrites } from '../check/copies.js';
import { Findings } from '../check/findings.js';
import type { Rule } from '../rules.js';
import type { Scenario } from '../scenario.js';
import { Http } from '../world/http.js';
import { Network } from '../world/network.js';
import { Process } from '../world/process.js';
import { Random } from '../world/random.js';
import { Scheduler } from '../world/scheduler.js';
import { TopologyCell } from '../world/topology-cell.js';
import { Trace } from '../world/trace.js';
import { SimulatedClients } from './clients.js';
import { SimulatedController } from './controller.js';
import { SimulatedNode } from './node.js';
import { SimulatedProxy } from './proxy.js';
import { SimulatedRouter } from './router.js';
import type { Peer, Surroundings } from './surroundings.js';

/** A whole cluster with its clients, in virtual time. */
export class SimulatedCluster implements Surroundings {
  readonly scheduler = new Scheduler();
  readonly random: Random;
  readonly #watches: Random;
  readonly network: Network;
  readonly http: Http;
  readonly cell: TopologyCell;
  readonly trace: Trace;
  readonly findings: Findings;
  readonly acknowledged = new AcknowledgedWrites();
  readonly nodes: readonly SimulatedNode[];
  readonly clients: SimulatedClients;
  readonly partitionCount: number;
  readonly evicts: boolean;
  readonly proxies: readonly SimulatedProxy[];
  /** How often each kind of event happened. */
  readonly counts: Record<string, number> = {};
  readonly #lostPartitions = new Set<number>();
  /** The nodes that the operator wants to be empty. */
  readonly #draining = new Set<SimulatedNode>();
  #eventsSinceCheck = 0;

  constructor(scenario: Scenario, without: readonly Rule[], isTraced: boolean) {
    const { scheduler } = this;
    const { copies, minInSync, partitionCount } = scenario;
    this.random = new Random(scenario.seed);
    this.#watches = this.random.fork('watches');
    this.partitionCount = partitionCount;
    this.evicts = scenario.evicts;
    this.trace = new Trace(scheduler, isTraced);
    this.findings = new Findings(
      () => scheduler.nowMs,
      ({ kind, text }) => this.trace.add('FINDING', `${kind}: ${text}`),
    );
    this.network = new Network(scheduler, this.random.fork('network'));
    this.http = new Http(scheduler, this.network, this.random.fork('http'));
    const first = newTopology({ clusterId: 'simulated', copies, minInSync: Math.min(copies, minInSync) });
    // The few partitions of the scenario are all there are, so that nothing goes through 4,096 of them.
    const small = { ...first, partitions: first.partitions.slice(0, partitionCount) };
    this.cell = new TopologyCell(small, scheduler, this.random.fork('store'), (before, after) =>
      this.#committed(before, after),
    );
    this.proxies = ['p1', 'p2'].map((name) => this.#newProxy(name, without));
    this.nodes = scenario.durable
      .slice(0, scenario.nodeCount)
      .map((isDurable, i) => new SimulatedNode(this, i + 1, isDurable, without));
    const serverAt = (address: string) => this.#nodeAt(address);
    const routers = this.proxies.map(
      (proxy) =>
        new SimulatedRouter(proxy, this.network, this.random.fork(`router ${proxy.process.name}`), serverAt),
    );
    this.clients = new SimulatedClients(
      partitionCount,
      routers,
      scheduler,
      this.random.fork('clients'),
      this.trace,
    );
    for (const node of this.nodes) node.connect();
    for (const node of this.nodes) node.start();
    for (const proxy of this.proxies) this.#control(proxy);
  }

  anyProxy(random: Random): SimulatedProxy | undefined {
    return random.pick(this.proxies);
  }

  count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  /** Makes the network, the control plane and the store unsteady, or steady again. When all faults end, every node is up. */
  disturb(isUnsteady: boolean): void {
    this.network.weather.slowMessages = isUnsteady ? 0.03 : 0;
    this.http.slowRequests = isUnsteady ? 0.25 : 0;
    this.cell.isUnsteady = isUnsteady;
    if (isUnsteady) return;
    for (const node of this.nodes) if (!node.process.isUp) node.start();
    this.#setStates();
  }

  /** Returns whether each partition keeps an in-sync copy if this node loses what a crash takes from it. */
  maySpare(node: SimulatedNode): boolean {
    return this.cell.topology.partitions.every(
      ({ inSync }) => inSync.length === 0 || inSync.some((copy) => this.#survives(copy, node)),
    );
  }

  drain(node: SimulatedNode, isDraining: boolean): void {
    if (isDraining) this.#draining.add(node);
    else this.#draining.delete(node);
    this.#setStates();
  }

  changeSettings({ copies, minInSync }: Pick<Topology, 'copies' | 'minInSync'>): void {
    this.anyProxy(this.random)?.update((known) => updateSettings(known, { copies, minInSync }));
  }

  /** Lets a controller ask for something without a reason. */
  mistake(partition: number, to: number): void {
    const entry = this.cell.topology.partitions[partition];
    if (entry?.primary === undefined) return;
    const { primary, learner, epoch } = entry;
    const others = entry.inSync.filter((copy) => copy !== primary);
    const copy = others[to % others.length];
    const change =
      learner !== undefined
        ? ({ kind: 'withdrawLearner', learner } as const)
        : copy !== undefined
          ? ({ kind: 'promote', copy, instead: primary } as const)
          : undefined;
    if (change === undefined || changeEntry(entry, change, 0) === undefined) return;
    this.trace.add('MISTAKE', JSON.stringify({ partition, ...change }));
    this.anyProxy(this.random)?.change([{ partition, epoch, change }], () => undefined);
  }

  /** Returns whether each partition has its primary, which serves, and its copies. */
  isWhole(): boolean {
    const { topology } = this.cell;
    const copies = Math.min(topology.copies, this.nodes.length);
    return topology.partitions.every(({ primary, inSync, learner }, partition) => {
      const server = this.nodes.find(({ bootId }) => bootId === primary);
      return server?.isServing(partition) === true && inSync.length === copies && learner === undefined;
    });
  }

  describe(): string {
    return this.cell.topology.partitions.map((entry) => JSON.stringify(entry)).join(' ');
  }

  /** Returns whether all in-sync copies of the partition of a key were lost, so that its history proves nothing. */
  isLost(key: string): boolean {
    return this.#lostPartitions.has(Number.parseInt(key, 10));
  }

  /** A node is about to delete all pairs of a partition: another process must have them, or it was only to be filled. */
  checkClear(node: Peer, partition: number): void {
    const entry = this.cell.topology.partitions[partition];
    if (entry === undefined || this.#lostPartitions.has(partition)) return;
    const keys = this.clients.keysOf(partition);
    const hasAll = (bootId: BootId) => {
      const held = this.nodes.find((one) => one.bootId === bootId)?.holdings(partition);
      return held !== undefined && this.acknowledged.lacking(held, keys) === undefined;
    };
    const hasPairs = keys.some((key) => node.holdings(partition)?.get(key) !== undefined);
    if (hasPairs && hasAll(node.bootId) && !entry.inSync.some((copy) => copy !== node.bootId && hasAll(copy)))
      this.findings.add('drop', `partition ${partition}: ${node.bootId} drops the last pairs`);
  }

  /** Notes a message between nodes that arrives. Beacons are too many to be of interest. */
  traceMessage(from: BootId, to: BootId, message: Message): void {
    if (!this.trace.isWanted || message.kind === 'beacon' || message.kind === 'beaconAnswer') return;
    const { kind, ...content } = message;
    this.trace.add(to, `← ${from} ${kind} ${JSON.stringify(content)}`);
  }

  /** Called after each event of a node. */
  check(): void {
    for (let partition = 0; partition < this.partitionCount; partition++) {
      const serving = this.nodes.filter((node) => node.isServing(partition));
      if (serving.length > 1) {
        const names = serving.map(({ bootId }) => bootId).join(' and ');
        this.findings.add('twoServe', `partition ${partition}: ${names}`);
      }
    }
    if (++this.#eventsSinceCheck >= EVENTS_PER_CHECK) this.checkCopies();
  }

  /** Checks that every in-sync copy that there is has all acknowledged writes. */
  checkCopies(): void {
    this.#eventsSinceCheck = 0;
    for (let partition = 0; partition < this.partitionCount; partition++) {
      const entry = this.cell.topology.partitions[partition];
      for (const copy of entry?.inSync ?? []) this.#checkCopy(partition, copy);
    }
  }

  /** Lets the topology say which nodes drain. The newest wish counts, also for a change that the store delays. */
  #setStates(): void {
    this.anyProxy(this.random)?.update((known) => {
      let next = known;
      for (const { id, state } of known.nodes) {
        const isDraining = [...this.#draining].some(({ process }) => process.name === id);
        if (isDraining !== (state === 'draining'))
          next = updateNode(next, id, { state: isDraining ? 'draining' : 'active' });
      }
      return next === known ? known : { ...next, revision: known.revision + 1 };
    });
  }

  #checkCopy(partition: number, bootId: BootId): void {
    const held = this.nodes.find((node) => node.bootId === bootId)?.holdings(partition);
    if (held === undefined || this.#lostPartitions.has(partition)) return;
    const lacking = this.acknowledged.lacking(held, this.clients.keysOf(partition));
    if (lacking !== undefined) this.findings.add('lostWrite', `partition ${partition}: ${lacking}`);
  }

  #survives(copy: BootId, lost: SimulatedNode): boolean {
    const holder = this.nodes.find(({ bootId }) => bootId === copy);
    if (holder === undefined) return false;
    if (holder.isDurable) return true;
    return holder !== lost && holder.process.isUp && !holder.isLeaving;
  }

  #committed(before: Topology, after: Topology): void {
    for (const finding of checkCommit(before, after)) this.findings.add('commit', finding);
    after.partitions.forEach((entry, partition) => {
      const old = before.partitions[partition];
      if (old === undefined || entry === old) return;
      for (const what of changesOf(old, entry)) this.count(what);
      this.trace.add('COMMIT', `partition ${partition} ${JSON.stringify(entry)}`);
      if (isStartAfterLoss(old, entry)) this.#lostPartitions.add(partition);
    });
    this.checkCopies();
    // The watch of a proxy may miss changes.
    for (const proxy of this.proxies)
      if (this.#watches.chance(0.5)) proxy.process.receive(() => proxy.refresh());
  }

  #newProxy(name: string, without: readonly Rule[]): SimulatedProxy {
    const process = new Process(name, this.scheduler, this.random.fork(name));
    process.start();
    const candidateAt = (address: string) => this.#nodeAt(address);
    return new SimulatedProxy(
      process,
      this.cell,
      this.http,
      this.random.fork(`requests ${name}`),
      candidateAt,
      {
        R1: !without.includes('R1'),
      },
    );
  }

  #control(proxy: SimulatedProxy): void {
    const random = this.random.fork(`controller ${proxy.process.name}`);
    const addresses = this.nodes.map(({ address }) => address);
    const controller = new SimulatedController(proxy, addresses, (primary, order) =>
      this.#order(proxy, primary, order),
    );
    const step = () => {
      controller.step();
      proxy.process.after(random.between(500, 1000), step);
    };
    proxy.process.after(random.between(100, 500), step);
  }

  #order(proxy: SimulatedProxy, primary: BootId, order: PrimaryOrder): void {
    const node = this.nodes.find(({ bootId }) => bootId === primary);
    if (node === undefined) return;
    const carryOut = () => {
      if (node.bootId === primary) node.obey(order);
    };
    this.http.request(proxy.process, node.process, carryOut, () => undefined);
  }

  #nodeAt(address: string): SimulatedNode | undefined {
    return this.nodes.find((node) => node.address === address);
  }
}

const EVENTS_PER_CHECK = 8;
