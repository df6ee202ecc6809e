import { areComplete, proxyScript, ServerProcess, storageNodeScript } from '@kvs-tools/local-cluster';
import { PARTITION_COUNT } from '@kvs/protocol';
import { until } from '@kvs/protocol/testing';
import { inChild } from '../harness/in-child.js';
import type { FillNodesInput, FillNodesOutput } from '../servers/children/fill-nodes.js';
import type { RunningContender } from '../servers/contenders.js';
import { load, type Pair } from '../servers/requests.js';

export interface ClusterOptions {
  readonly name?: string;
  readonly copies: number;
  readonly nodeCount: number;
  /** As for `--topology`. Default: `memory`. */
  readonly topology?: string;
  readonly proxyArgs?: readonly string[];
  /** More options of the nodes. Default: none. */
  readonly nodeArgs?: readonly string[];
}

/** The part of `GET /cluster` that is read here. */
interface Status {
  readonly copies: number;
  readonly nodes: readonly NodeStatus[];
  readonly partitions: unknown;
  readonly moves: { readonly running: number };
}

interface NodeStatus {
  readonly id: string;
  readonly state: string;
  readonly primaries: number;
  readonly copies: number;
}

/** A proxy that keeps a topology, and storage nodes in memory, as processes on free ports. The id of a node is its address. */
export class MeasuredCluster implements RunningContender {
  readonly name: string;
  origin = '';
  #proxy: ServerProcess | undefined;
  readonly #nodes = new Map<string, ServerProcess>();

  private constructor(name: string) {
    this.name = name;
  }

  /** Starts an empty cluster and waits until every node serves its share. */
  static async start(options: ClusterOptions): Promise<MeasuredCluster> {
    const cluster = new MeasuredCluster(options.name ?? 'kvs');
    try {
      await cluster.#start(options);
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  get nodeIds(): readonly string[] {
    return [...this.#nodes.keys()];
  }

  get pids(): readonly number[] {
    return [this.#proxy, ...this.#nodes.values()].flatMap((server) => server?.pid ?? []);
  }

  /** Returns the port of a node for Redis clients. Never resolves if the nodes listen for none. */
  async redisPort(): Promise<number> {
    const [node] = this.#nodes.values();
    if (node === undefined) throw new TypeError('the cluster has no node');
    return node.redisPort;
  }

  /** Starts a node that joins, and returns its id. */
  addNode(port = '0'): Promise<string> {
    return this.#startNode(port, ['--join', this.origin]);
  }

  /** Kills a node, which leaves it in the topology. */
  async kill(id: string): Promise<void> {
    await this.#nodes.get(id)?.stop('SIGKILL');
  }

  /** Starts a node again, empty, at its address. */
  async restart(id: string): Promise<void> {
    await this.addNode(new URL(`http://${id}`).port);
  }

  /** Moves everything off a node, takes it off the list, and stops it. */
  async drain(id: string): Promise<void> {
    await this.#until(`${id} is drained`, async () => {
      const answer = await send(`${this.origin}/cluster/nodes/${id}`, 'DELETE');
      const { state }: { readonly state: string } = JSON.parse(answer);
      return state === 'removed';
    });
    await this.kill(id);
    this.#nodes.delete(id);
  }

  /** Waits until every partition has all copies and is served, every node has its share, and nothing moves. */
  async untilSettled(): Promise<void> {
    await this.#until('every node has its share', async () => {
      const { copies, nodes, partitions, moves } = await this.#status();
      const share = (MIN_SHARE * PARTITION_COUNT) / this.#nodes.size;
      const isShared = nodes.every((node) => node.copies >= copies * share && node.primaries >= share);
      const isWhole = areComplete(partitions) && moves.running === 0;
      return nodes.length === this.#nodes.size && isShared && isWhole;
    });
    // The topology names a primary before it serves.
    const serving = () => this.#sumOf('kvs_replication_serving_partitions');
    await this.#until('every partition is served', async () => (await serving()) === PARTITION_COUNT);
  }

  /** Waits until a node that joins has all copies that it gets. */
  untilFilled(id: string): Promise<void> {
    return this.#until(`${id} is filled`, async () => {
      const { copies, nodes, moves } = await this.#status();
      const share = (MIN_SHARE * copies * PARTITION_COUNT) / this.#nodes.size;
      const node = nodes.find((each) => each.id === id);
      return node !== undefined && node.copies >= share && moves.running === 0;
    });
  }

  /** Writes pairs, checks every answer, and waits until the cluster is settled. */
  async load(pairs: readonly Pair[]): Promise<void> {
    await untilDone(() => load(this, pairs));
    await this.untilSettled();
  }

  /** Like {@link load}, with random pairs from another process. Returns some of them, spread over all. */
  async fill(pairs: number, sampleCount: number): Promise<readonly Pair[]> {
    const input: FillNodesInput = { addresses: [new URL(this.origin).host], from: 0, to: pairs, sampleCount };
    const script = 'servers/children/fill-nodes';
    const { sample } = await untilDone(() => inChild<FillNodesOutput>(script, input));
    await this.untilSettled();
    return sample;
  }

  /** Returns how many pairs a node holds. */
  async pairsOf(id: string): Promise<number> {
    const { keys }: { readonly keys: number } = JSON.parse(await send(`http://${id}/stats`));
    return keys;
  }

  /** Returns the bytes that the pairs of all nodes take, as the engines count them. */
  usedBytes(): Promise<number> {
    return this.#sumOf('kvs_engine_used_bytes');
  }

  async stop(): Promise<void> {
    await Promise.all([this.#proxy, ...this.#nodes.values()].map((each) => each?.stop('SIGKILL')));
  }

  /** The proxy invites the first nodes, so that it waits for all of them before it assigns partitions. */
  async #start(options: ClusterOptions): Promise<void> {
    const { copies, nodeCount, topology = 'memory', proxyArgs = [], nodeArgs = [] } = options;
    for (let node = 0; node < nodeCount; node++) await this.#startNode('0', nodeArgs);
    const settings = ['--topology', topology, '--copies', `${copies}`, ...proxyArgs];
    const args = [...this.nodeIds, '--port', '0', ...settings];
    this.#proxy = new ServerProcess({ name: 'proxy', script: proxyScript, args });
    this.origin = await this.#proxy.ready;
    await this.#until('the proxy has read the topology', async () => (await this.#topology()) !== undefined);
    await this.untilSettled();
  }

  async #startNode(port: string, args: readonly string[] = []): Promise<string> {
    const options = { name: 'node', script: storageNodeScript, args: ['localhost', port, ...args] };
    const node = new ServerProcess(options);
    const id = new URL(await node.ready).host;
    this.#nodes.set(id, node);
    return id;
  }

  async #status(): Promise<Status> {
    const topology = await this.#topology();
    if (topology === undefined) throw new Error('the proxy has not read the topology yet');
    return topology;
  }

  async #topology(): Promise<Status | undefined> {
    const answer: { readonly topology?: Status } = JSON.parse(await send(`${this.origin}/cluster`));
    return answer.topology;
  }

  /** Returns the sum of a gauge over all nodes. */
  async #sumOf(gauge: string): Promise<number> {
    const pages = await Promise.all(this.nodeIds.map((id) => send(`http://${id}/metrics`)));
    const line = new RegExp(`^${gauge}(?:\\{.*\\})? (\\S+)$`, 'm');
    return pages.reduce((sum, page) => sum + Number(line.exec(page)?.[1]), 0);
  }

  #until(event: string, holds: () => Promise<boolean>): Promise<void> {
    const explain = async (): Promise<string> => `${event}: ${JSON.stringify(await this.#topology())}`;
    return until(holds, explain, { limitMs: MAX_WAIT_MS, maxPauseMs: MAX_PAUSE_MS });
  }
}

/** Tries again after failures: the nodes of a new cluster stand still for seconds on a busy machine. */
async function untilDone<T>(act: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await act();
    } catch (error) {
      if (tries === MAX_TRIES) throw error;
    }
  }
}

/** @throws Error if the answer has an error status or takes long */
async function send(url: string, method = 'GET'): Promise<string> {
  const answer = await fetch(url, { method, signal: AbortSignal.timeout(ANSWER_MS) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${url} answers ${answer.status}: ${text.slice(0, 300)}`);
  return text;
}

/** The controller leaves 5% of room around a fair share. */
const MIN_SHARE = 0.9;
const MAX_TRIES = 5;
const MAX_WAIT_MS = 240_000;
const ANSWER_MS = 30_000;
/** Often enough for the times that are measured, and seldom enough not to cost what is measured. */
const MAX_PAUSE_MS = 100;
