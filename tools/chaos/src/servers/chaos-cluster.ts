import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { topologyAnswerFrom, type PartitionEntry, type Topology } from '@kvs/topology';
import { EtcdProcess } from '@kvs/topology-etcd/testing';
import { fieldsIn, send, type Answer } from '../load/send.js';
import { Network } from '../network/network.js';
import { untilHealed } from '../until-healed.js';
import { ChaosServer } from './chaos-server.js';

export interface ChaosClusterOptions {
  /** Of each partition. */
  readonly copies: number;
  /** Called with each line that a server writes. */
  readonly onLine: (server: string, line: string) => void;
}

/** A cluster of real processes: etcd, two proxies, and nodes. They know each other by the addresses of relays. */
export class ChaosCluster {
  readonly network = new Network();
  readonly proxies: ChaosServer[] = [];
  /** The nodes of the cluster, including those that are away for a moment. */
  readonly nodes = new Map<string, ChaosServer>();
  readonly #options: ChaosClusterOptions;
  readonly #etcd: EtcdProcess;
  readonly #directory: string;
  #nodeCount = 0;

  private constructor(options: ChaosClusterOptions, etcd: EtcdProcess, directory: string) {
    this.#options = options;
    this.#etcd = etcd;
    this.#directory = directory;
  }

  /** Starts everything. Resolves when each partition has all its copies. */
  static async start(options: ChaosClusterOptions, nodeCount = 5): Promise<ChaosCluster> {
    const etcd = await EtcdProcess.start();
    const cluster = new ChaosCluster(options, etcd, await mkdtemp(join(tmpdir(), 'kvs-chaos-')));
    try {
      await cluster.#startProxies();
      await Promise.all(Array.from({ length: nodeCount }, () => cluster.addNode()));
      await cluster.untilWhole();
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  /** Starts a further node, and resolves when it has joined. Every third keeps its pairs on disk. */
  async addNode(): Promise<void> {
    const name = `n${++this.#nodeCount}`;
    const isDurable = this.#nodeCount % 3 === 0;
    const engine = isDurable
      ? ['--engine', 'lmdb', '--data-dir', join(this.#directory, name)]
      : ['--max-memory', '64mb'];
    const relay = await this.network.relayTo(name);
    const proxies = this.proxies.flatMap(({ url }) => ['--join', url]);
    const args = ['127.0.0.1', '0', '--id', name, '--address', relay.address, ...proxies, ...engine];
    const { onLine } = this.#options;
    const node = new ChaosServer({ name, app: 'storage-node', args, relay, onLine });
    this.nodes.set(name, node);
    await node.start();
    const hasJoined = async () => (await this.topology()).nodes.some(({ id }) => id === name);
    await untilHealed(hasJoined, () => `${name} has not joined`);
  }

  /** Ends a node by a signal, and starts it again after a while. Resolves when the cluster knows that it is another process. */
  async restartNode(name: string, signal: 'SIGKILL' | 'SIGTERM', awayMs: number): Promise<void> {
    const before = await this.#startOf(name);
    const node = this.nodes.get(name);
    await node?.stop(signal);
    await setTimeout(awayMs);
    await node?.start();
    await untilHealed(
      async () => (await this.#startOf(name)) !== before,
      () => `${name} has not joined again`,
    );
  }

  /** Drains a node, stops it and takes it off the list. */
  async removeNode(name: string): Promise<void> {
    const path = `/cluster/nodes/${name}`;
    await this.#ask('DELETE', path);
    const isDrained = async () => {
      const { nodes, partitions } = await this.topology();
      const bootId = nodes.find(({ id }) => id === name)?.bootId;
      return !partitions.some(({ inSync, learner }) => [...inSync, learner].includes(bootId));
    };
    await untilHealed(isDrained, () => `${name} still has copies`);
    await this.nodes.get(name)?.stop('SIGTERM');
    this.nodes.delete(name);
    const isGone = async () => [200, 404].includes((await this.#ask('DELETE', path)).status);
    await untilHealed(isGone, () => `${name} is still on the list`);
  }

  /** Returns the topology as a proxy reads it from etcd. */
  async topology(): Promise<Topology> {
    const { topology } = topologyAnswerFrom(fieldsIn((await this.#ask('GET', '/cluster/topology')).text));
    for (const { bootId, id } of topology.nodes) this.network.learn(bootId, id);
    return topology;
  }

  /**
   * Waits until each partition has all its copies on nodes that run, and keeps them for a while. A request that would remove a
   * copy may have been on its way before: proxies drop it after a second.
   *
   * @throws Error if that takes too long
   */
  async untilWhole(): Promise<void> {
    let lacking = 'the topology was not read';
    let sinceMs = Infinity;
    const isWhole = async () => {
      lacking = lackingIn(await this.topology(), this.nodes.size);
      if (lacking === '') sinceMs = Math.min(sinceMs, performance.now());
      else sinceMs = Infinity;
      return performance.now() - sinceMs > SETTLED_MS;
    };
    await untilHealed(isWhole, () => `the cluster is not whole: ${lacking}`);
  }

  /** Ends all processes. */
  async stop(): Promise<void> {
    const servers = [...this.nodes.values(), ...this.proxies];
    // SIGKILL also ends a process that was stopped by SIGSTOP.
    await Promise.all(servers.map((server) => server.stop('SIGKILL')));
    this.network.close();
    await this.#etcd.stop();
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #startProxies(): Promise<void> {
    const { copies, onLine } = this.#options;
    const topology = ['--topology', `etcd:${this.#etcd.url}/kvs`, '--copies', `${copies}`];
    for (const name of ['p1', 'p2']) {
      const relay = await this.network.relayTo(name);
      const listening = ['--host', '127.0.0.1', '--port', '0', '--advertise', `http://${relay.address}`];
      const args = [...listening, ...topology, '--replace-after-ms', `${REPLACE_AFTER_MS}`];
      const proxy = new ChaosServer({ name, app: 'proxy', args, relay, onLine });
      this.proxies.push(proxy);
      await proxy.start();
    }
  }

  /** Tells one start of a node from the others. */
  async #startOf(name: string): Promise<string> {
    const node = (await this.topology()).nodes.find(({ id }) => id === name);
    return `${node?.bootId} ${node?.starts}`;
  }

  /** Asks one proxy after the other until one answers. */
  async #ask(method: string, path: string): Promise<Answer> {
    let failure: unknown;
    for (const { origin } of this.proxies) {
      try {
        const answer = await send(method, origin + path);
        if (answer.status < 500) return answer;
        failure = new Error(answer.text);
      } catch (error) {
        failure = error;
      }
    }
    throw new Error(`no proxy answers ${method} ${path}`, { cause: failure });
  }
}

/** Returns what a topology lacks until all its partitions have their copies, or an empty text. */
function lackingIn({ copies, nodes, partitions }: Topology, nodeCount: number): string {
  if (nodes.length !== nodeCount) return `${nodes.length} of ${nodeCount} nodes are on the list`;
  const present = new Set(nodes.map(({ bootId }) => bootId));
  const countOf = ({ inSync }: PartitionEntry) => inSync.filter((copy) => present.has(copy)).length;
  const short = partitions.filter((entry) => countOf(entry) < copies).length;
  return short === 0 ? '' : `${short} partitions have too few copies`;
}

/** So short that some killed nodes are replaced, and others come back first. */
const REPLACE_AFTER_MS = 4000;
const SETTLED_MS = 2000;
