import { proxyScript, ServerProcess, storageNodeScript } from '@kvs-tools/local-cluster';

/** Real processes on free ports. The caller stops them. */
export interface Cluster {
  /** The proxy's origin, `http://localhost:port`. */
  readonly proxy: string;
  readonly proxyProcess: ServerProcess;
  readonly nodes: readonly StorageNode[];
  stop(): Promise<void>;
}

export async function startNode(args: readonly string[] = []): Promise<StorageNode> {
  const node = new StorageNode(args);
  await node.start('0');
  return node;
}

export async function startProxy(
  addresses: readonly string[],
  args: readonly string[] = [],
): Promise<{ origin: string; process: ServerProcess }> {
  const process = new ServerProcess({
    name: 'proxy',
    script: proxyScript,
    args: [...addresses, '--port', '0', ...args],
  });
  return { origin: await process.ready, process };
}

export async function startCluster(
  nodeCount: number,
  { nodeArgs = [], proxyArgs = [] }: { nodeArgs?: readonly string[]; proxyArgs?: readonly string[] } = {},
): Promise<Cluster> {
  const nodes = await Promise.all(Array.from({ length: nodeCount }, () => startNode(nodeArgs)));
  const proxy = await startProxy(
    nodes.map(({ address }) => address),
    proxyArgs,
  );
  return {
    proxy: proxy.origin,
    proxyProcess: proxy.process,
    nodes,
    async stop() {
      // SIGKILL also ends a process that a test has stopped by SIGSTOP.
      await Promise.all([proxy.process.stop('SIGKILL'), ...nodes.map((node) => node.kill())]);
    },
  };
}

/** A storage node that can be killed and started again at the same address. */
export class StorageNode {
  origin = '';
  #process: ServerProcess | undefined;

  readonly #args: readonly string[];

  constructor(args: readonly string[]) {
    this.#args = args;
  }

  /** `host:port` */
  get address(): string {
    return new URL(this.origin).host;
  }

  async start(port: string): Promise<void> {
    this.#process = new ServerProcess({
      name: 'node',
      script: storageNodeScript,
      args: ['localhost', port, ...this.#args],
    });
    this.origin = await this.#process.ready;
  }

  get pid(): number {
    const pid = this.#process?.pid;
    if (pid === undefined) throw new TypeError('the node does not run');
    return pid;
  }

  /** Returns the port for Redis clients, if the node has one. */
  redisPort(): Promise<number> {
    if (this.#process === undefined) throw new TypeError('the node does not run');
    return this.#process.redisPort;
  }

  restart(): Promise<void> {
    return this.start(new URL(this.origin).port);
  }

  /** Starts it again, empty, if it was killed. */
  async revive(): Promise<void> {
    if (this.#process === undefined) await this.restart();
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.signal(signal);
  }

  async kill(): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    await process?.stop('SIGKILL');
  }
}
