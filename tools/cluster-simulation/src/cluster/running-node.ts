import { ClusterClock } from '@kvs/kv-store';
import { DEFAULT_TIMES, LeaseClock, Replica, RULES as NODE_RULES, type ReplicaPorts } from '@kvs/replication';
import type { StoredPartition } from '@kvs/replication/testing';
import {
  nodeOfBoot,
  registerNode,
  type BootId,
  type NodeIdentity,
  type NodeReport,
  type PrimaryOrder,
  type Topology,
} from '@kvs/topology';
import type { Rule } from '../rules.js';
import type { Random } from '../world/random.js';
import { SimulatedEngine } from './engine.js';
import type { SimulatedProxy } from './proxy.js';
import type { Peer, Surroundings } from './surroundings.js';

/** The properties of one incarnation of a node. */
export interface Identity {
  readonly bootId: BootId;
  readonly isDurable: boolean;
  readonly isAsynchronous: boolean;
  readonly without: ReadonlySet<Rule>;
  readonly stored: Map<number, StoredPartition>;
}

/** One incarnation of a node. */
export class RunningNode {
  readonly replica: Replica;
  readonly engine: SimulatedEngine;
  readonly clock: ClusterClock;
  readonly #node: Peer;
  readonly #cluster: Surroundings;
  readonly #random: Random;
  readonly #identity: Identity;
  #topology: Topology | undefined;

  constructor(node: Peer, cluster: Surroundings, random: Random, identity: Identity) {
    const { process } = node;
    this.#node = node;
    this.#cluster = cluster;
    this.#random = random;
    this.#identity = identity;
    this.clock = new ClusterClock(() => process.nowMs());
    const { isDurable, isAsynchronous, stored, bootId, without } = identity;
    const weather = {
      get isSlow() {
        return node.isSlow;
      },
      get isUnsteady() {
        return cluster.cell.isUnsteady;
      },
    };
    this.engine = new SimulatedEngine({
      isAsynchronous,
      evicts: cluster.evicts,
      stored,
      process,
      random,
      clock: this.clock,
      weather,
      observer: {
        removing: (id, version) => cluster.acknowledged.removing(id.slice(1), version),
        clearing: (partition) => cluster.checkClear(node, partition),
      },
    });
    this.replica = new Replica(
      {
        bootId,
        starts: isDurable ? process.incarnation : 1,
        times: DEFAULT_TIMES,
        fillsAtOnce: 1, // so that fills wait although a scenario has few partitions
        without: new Set(NODE_RULES.filter((rule) => without.has(rule))),
      },
      this.#ports(),
    );
    this.#every(90, 110, () => this.replica.tick());
    this.#every(700, 1400, () => this.#poll());
    this.#poll();
    this.#follow();
  }

  announceEnd(): void {
    this.#report(true);
  }

  agrees(partition: number, epoch: number): boolean {
    const { replica } = this;
    return replica.epochOf(partition) === epoch && replica.roleIn(partition) === 'copy' && !replica.isLeaving;
  }

  obey(order: PrimaryOrder): void {
    this.#cluster.trace.add(this.#node.process.name, `is ordered ${JSON.stringify(order)}`);
    if (this.#topology?.partitions[order.partition]?.epoch !== order.epoch) return;
    if (order.kind === 'handOver') this.replica.handOver([[order.partition, order.to]]);
    else this.replica.removeSurplus(order.partition, order.copy);
  }

  isServing(partition: number): boolean {
    return this.replica.isServing(partition);
  }

  #ports(): ReplicaPorts {
    const { process } = this.#node;
    const leaseClock = new LeaseClock(
      () => process.nowMs(),
      () => process.wallMs(),
    );
    return {
      nowMs: () => process.nowMs(),
      leaseNowMs: () => leaseClock.nowMs(),
      clock: this.clock,
      engine: this.engine,
      afterInput: (_, done) => process.complete(0.5, done),
      isConnected: (to) => {
        const peer = this.#peer(to);
        return peer !== undefined && this.#cluster.network.connection(process, peer.process).isUp;
      },
      send: (to, message) => {
        const cluster = this.#cluster;
        const peer = this.#peer(to);
        if (peer === undefined) return;
        const from = this.#identity.bootId;
        cluster.network.connection(process, peer.process).send(() => {
          if (peer.bootId !== to) return;
          cluster.traceMessage(from, to, message);
          peer.replica?.receive(from, message);
        });
      },
      ask: (requests) => {
        this.#cluster.trace.add(process.name, `asks ${JSON.stringify(requests)}`);
        this.#request((proxy, answer) => proxy.change(requests, answer, this.#identity.bootId));
      },
      readTopology: (done) => this.#request((proxy, answer) => proxy.refresh(answer), done),
    };
  }

  #peer(bootId: BootId): Peer | undefined {
    return this.#cluster.nodes.find((node) => node !== this.#node && node.bootId === bootId);
  }

  /** Sends a request to any proxy that answers with a topology, and learns it. */
  #request(
    handle: (proxy: SimulatedProxy, answer: (topology: Topology) => void) => void,
    done: () => void = () => undefined,
  ): void {
    const proxy = this.#cluster.anyProxy(this.#random);
    if (proxy === undefined) return;
    this.#cluster.http.request<{ topology: Topology; timeMs: number }>(
      this.#node.process,
      proxy.process,
      (answer) => handle(proxy, (topology) => answer({ topology, timeMs: proxy.clock.nowMs() })),
      ({ topology, timeMs }) => {
        this.clock.raise(timeMs);
        this.#learn(topology);
        done();
      },
    );
  }

  #learn(topology: Topology): void {
    if (topology.revision > (this.#topology?.revision ?? 0)) this.#topology = topology;
    this.replica.learn(topology);
  }

  /** Waits at any proxy for the next topology, and then again. Requests and answers may get lost. */
  #follow(): void {
    let isDone = false;
    const goOn = (): void => {
      if (!isDone) this.#follow();
      isDone = true;
    };
    const revision = this.#topology?.revision ?? 0;
    this.#request((proxy, answer) => proxy.newerThan(revision, answer), goOn);
    this.#node.process.after(LONGEST_WAIT_MS, goOn);
  }

  /** Reports to any proxy, joins if the cluster does not know the process, and reads the topology if it is outdated. */
  #poll(): void {
    const { bootId, isDurable } = this.#identity;
    const { process, address } = this.#node;
    this.#report(false);
    const topology = this.#topology;
    if (topology !== undefined && nodeOfBoot(topology, bootId)?.starts === process.incarnation) return;
    const node = {
      id: process.name,
      address,
      zone: '',
      weight: 1,
      bootId,
      isDurable,
      starts: process.incarnation,
    };
    this.#request((proxy, answer) => {
      proxy.update((known) => {
        const next = registered(known, node);
        if (next === known) answer(known);
        return next;
      });
    });
  }

  #report(isEnding: boolean): void {
    const { bootId, isDurable } = this.#identity;
    const report = this.#newReport(isEnding);
    for (const proxy of this.#cluster.proxies) {
      this.#cluster.http.request<{ revision: number; timeMs: number }>(
        this.#node.process,
        proxy.process,
        (answer) => {
          proxy.report({ bootId, isDurable }, report);
          answer({ revision: proxy.topology.revision, timeMs: proxy.clock.nowMs() });
        },
        ({ revision, timeMs }) => {
          this.clock.raise(timeMs);
          if (revision > (this.#topology?.revision ?? 0)) this.#request((one, answer) => one.refresh(answer));
        },
      );
    }
  }

  #newReport(isEnding: boolean): NodeReport {
    const topology = this.#topology;
    const { bootId } = this.#identity;
    return {
      clusterId: topology?.clusterId,
      revision: topology?.revision ?? 0,
      bootId,
      wholeRevision: this.replica.wholeRevision,
      timeMs: this.clock.nowMs(),
      isEnding,
      isLeaving: this.replica.isLeaving,
      usedBytes: 0,
      freeBytes: undefined,
      highestVersion: this.engine
        .completePartitions()
        .reduce((most, partition) => Math.max(most, this.engine.highestVersion(partition)), 0),
      held: this.replica.heldPartitions(),
      fills: this.replica.fills(),
      failures: this.replica.takeFailures(),
    };
  }

  #every(fromMs: number, untilMs: number, run: () => void): void {
    this.#node.process.after(this.#random.between(fromMs, untilMs), () => {
      run();
      this.#every(fromMs, untilMs, run);
    });
  }
}

/** After it, a node takes a request that waits for a topology for lost. */
const LONGEST_WAIT_MS = 12_000;

/** Registers a node, unless the request is so late that the node has started again. */
function registered(topology: Topology, node: NodeIdentity): Topology {
  const known = topology.nodes.find(({ id }) => id === node.id);
  return known !== undefined && known.starts > node.starts ? topology : registerNode(topology, node);
}
