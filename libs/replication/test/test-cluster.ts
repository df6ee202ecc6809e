import { ClusterClock, MemoryEngine } from '@kvs/kv-store';
import { HeldStore, TestNode } from '@kvs/node-link/testing';
import { stringValue, type KeyId } from '@kvs/protocol';
import {
  applyRequests,
  isBootId,
  newTopology,
  raiseVersionCeiling,
  registerNode,
  type BootId,
  type EntryRequest,
  type NodeIdentity,
  type Topology,
  type TopologyAnswer,
} from '@kvs/topology';
import { NodeReplica } from '../src/driver/node-replica.js';
import type { ControlPlane } from '../src/driver/proxy-requests.js';
import type { WriteAnswer } from '../src/ports.js';
import type { ReplicaTimes } from '../src/settings.js';

/** Nodes in this process, with links between them, and a topology in a variable. */
export class TestCluster implements ControlPlane {
  topology: Topology;
  /** Whether a proxy answers. */
  isReachable = true;
  readonly nodes: ClusterNode[] = [];
  /** Errors that are defects. */
  readonly errors: unknown[] = [];

  constructor(copies: number) {
    const first = newTopology({ clusterId: 'test', copies, minInSync: 1 });
    this.topology = raiseVersionCeiling(first, Number.MAX_SAFE_INTEGER);
  }

  async readTopology(): Promise<TopologyAnswer> {
    return this.#answer();
  }

  async askForChanges(requests: readonly EntryRequest[]): Promise<TopologyAnswer> {
    this.#answer();
    this.topology = applyRequests(this.topology, requests);
    return this.#answer();
  }

  /** Changes an entry, as a controller does, and tells all nodes. */
  async change(partition: number, change: EntryRequest['change']): Promise<void> {
    const epoch = this.topology.partitions[partition]?.epoch ?? 0;
    await this.askForChanges([{ partition, epoch, change }]);
    for (const node of this.nodes) node.driver.learn(this.#answer());
  }

  join(node: NodeIdentity): void {
    this.topology = registerNode(this.topology, node);
  }

  async addNode(): Promise<ClusterNode> {
    const node = await ClusterNode.start(this, `node-${this.nodes.length}`);
    this.nodes.push(node);
    for (const other of this.nodes) other.driver.learn(this.#answer());
    return node;
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
  }

  #answer(): TopologyAnswer {
    if (!this.isReachable) throw new Error('no proxy answers');
    return { topology: this.topology, timeMs: TIME_MS };
  }
}

/** A node with an engine in memory. */
export class ClusterNode {
  readonly bootId: BootId;
  readonly engine: MemoryEngine;
  readonly driver: NodeReplica;
  readonly #server: TestNode;

  private constructor(bootId: BootId, engine: MemoryEngine, driver: NodeReplica, server: TestNode) {
    this.bootId = bootId;
    this.engine = engine;
    this.driver = driver;
    this.#server = server;
  }

  static async start(cluster: TestCluster, id: string): Promise<ClusterNode> {
    const clock = new ClusterClock();
    const engine = new MemoryEngine({ clock });
    const identity = await engine.replication.start();
    const { bootId } = identity;
    if (!isBootId(bootId)) throw new TypeError('the engine has no boot id');
    const late: { driver?: NodeReplica } = {};
    const server = new TestNode(new HeldStore(), {
      identity: () => late.driver?.receiver.identity(),
      receive: (from, cursor) => late.driver?.receiver.receive(from, cursor),
      heard: (from) => late.driver?.receiver.heard(from),
    });
    await server.start();
    const { isDurable, starts } = identity;
    const address = `127.0.0.1:${server.port}`;
    cluster.join({ id, address, zone: '', weight: 1, bootId, isDurable, starts });
    const driver = (late.driver = new NodeReplica(
      {
        bootId,
        identity,
        engine,
        replication: engine.replication,
        clock,
        controlPlane: cluster,
        times: TIMES,
        onBreach: () => undefined,
        onUnreachable: () => undefined,
        onError: (error) => void cluster.errors.push(error),
      },
      await cluster.readTopology(),
    ));
    return new ClusterNode(bootId, engine, driver, server);
  }

  /** Writes a pair as the primary of its partition. */
  write(partition: number, id: KeyId, data: string): Promise<WriteAnswer> {
    const item = { id, partition, value: stringValue(data), expiresAtMs: undefined, ifVersion: undefined };
    return new Promise((done) => {
      this.driver.replica.write(partition, { kind: 'set', items: [item] }, 0, done);
    });
  }

  /** Returns what the engine has, whatever the node's role is. */
  read(partition: number, id: KeyId): string | undefined {
    const [outcome] = this.engine.getMany([{ id, partition }]);
    return outcome?.status === 'found' ? outcome.value.data : undefined;
  }

  /** Ends at once, as a process that is killed. */
  async kill(): Promise<void> {
    this.driver.close();
    await this.#server.kill();
    this.engine.close();
  }
}

const TIME_MS = 1_700_000_000_000;

/** Shorter than by default, so that tests are soon done. */
const TIMES: ReplicaTimes = {
  beaconMs: 50,
  leaseMs: 400,
  graceMs: 600,
  ackTimeoutMs: 300,
  firstContactMs: 3000,
  repeatMs: 100,
  gatherMs: 50,
  settleMs: 500,
  fillTimeoutMs: 5000,
};
