import { ClusterState } from './cluster-state.js';
import { startNode, startProxy, type LocalServer } from './local-server.js';

/** A proxy and its storage nodes, as processes on free ports. The caller stops them. */
export class LocalCluster {
  /** For a cluster with a topology. */
  readonly state: ClusterState;
  readonly nodes: LocalServer[];

  private constructor(
    readonly proxy: LocalServer,
    nodes: readonly LocalServer[],
  ) {
    this.nodes = [...nodes];
    this.state = new ClusterState(proxy.origin);
  }

  /** Kills the nodes that have started if another one or the proxy does not start. */
  static async start(
    nodeCount: number,
    { nodeArgs = [], proxyArgs = [] }: { nodeArgs?: readonly string[]; proxyArgs?: readonly string[] } = {},
  ): Promise<LocalCluster> {
    const starting = Array.from({ length: nodeCount }, () => startNode(nodeArgs));
    try {
      return await LocalCluster.of(await Promise.all(starting), proxyArgs);
    } catch (error) {
      await Promise.allSettled(starting.map(async (node) => (await node).kill()));
      throw error;
    }
  }

  /** Starts a proxy for nodes that run. If the proxy does not start, the nodes go on. */
  static async of(nodes: readonly LocalServer[], proxyArgs: readonly string[]): Promise<LocalCluster> {
    const addresses = nodes.map(({ address }) => address);
    return new LocalCluster(await startProxy(addresses, proxyArgs), nodes);
  }

  /** The proxy's origin, `http://localhost:port`. */
  get origin(): string {
    return this.proxy.origin;
  }

  /** Starts a node that joins the cluster. */
  async addNode(id: string, args: readonly string[] = []): Promise<LocalServer> {
    const node = await startNode(['--join', this.origin, '--id', id, ...args]);
    this.nodes.push(node);
    return node;
  }

  async stop(): Promise<void> {
    await Promise.all([this.proxy, ...this.nodes].map((server) => server.kill()));
  }
}
