import { proxyScript, run, ServerProcess, storageNodeScript } from '@kvs-tools/local-cluster';
import { childrenOf } from '../processes.js';
import type { Contender, RunningContender } from './contender.js';
import { kvsDialect } from './dialect.js';
import { pidOf } from './node-server.js';

export interface KvsOptions {
  readonly name: string;
  readonly nodeArgs?: readonly string[];
  readonly proxyArgs?: readonly string[];
  /** Environment of each process. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Given each line that a process writes. */
  readonly onLine?: (line: string) => void;
}

/** A proxy in front of some storage nodes, of which each can be signalled. */
export interface RunningCluster extends RunningContender {
  readonly proxy: ServerProcess;
  readonly nodes: readonly ClusterNode[];
}

export interface ClusterNode {
  /** `host:port`, as the proxy knows it. */
  readonly address: string;
  readonly process: ServerProcess;
}

const NODE_COUNT = 2;

/** What is judged: a proxy and two storage nodes, with the engine in memory. */
export const KVS_CLUSTER: KvsOptions = { name: 'kvs, proxy and 2 nodes' };

export function kvsCluster(options: KvsOptions = KVS_CLUSTER): Contender {
  return { name: options.name, start: () => startCluster(options) };
}

/** A storage node, asked directly. */
export function kvsNode(name = 'kvs, storage node directly', nodeArgs: readonly string[] = []): Contender {
  return {
    name,
    start: async () => {
      const { address, process } = await startNode({ name, nodeArgs });
      return {
        name,
        origin: `http://${address}`,
        dialect: kvsDialect,
        processes: [{ role: 'node', pid: pidOf(process) }],
        stop: async () => void (await process.stop('SIGKILL')),
      };
    },
  };
}

export async function startCluster(options: KvsOptions = KVS_CLUSTER): Promise<RunningCluster> {
  const { name, proxyArgs = [], environment, onLine } = options;
  const nodes = await Promise.all(Array.from({ length: NODE_COUNT }, () => startNode(options)));
  const addresses = nodes.map(({ address }) => address);
  const proxy = new ServerProcess({
    name: `${name}: proxy`,
    script: proxyScript,
    args: [...addresses, '--port', '0', ...proxyArgs],
    environment,
    onLine,
  });
  // One that is stopped in its tracks would not hear anything milder.
  const stop = async (): Promise<void> => {
    await Promise.all([proxy, ...nodes.map(({ process }) => process)].map((each) => each.stop('SIGKILL')));
  };
  try {
    const origin = await proxy.ready;
    const proxyPid = pidOf(proxy);
    return {
      name,
      origin,
      dialect: kvsDialect,
      processes: [
        // With --workers, its children do the work.
        ...[proxyPid, ...childrenOf(proxyPid)].map((pid) => ({ role: 'proxy', pid }) as const),
        ...nodes.map(({ process }) => ({ role: 'node', pid: pidOf(process) }) as const),
      ],
      proxy,
      nodes,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startNode({ name, nodeArgs = [], environment, onLine }: KvsOptions): Promise<ClusterNode> {
  const process = new ServerProcess({
    name: `${name}: node`,
    script: storageNodeScript,
    args: ['localhost', '0', ...nodeArgs],
    environment,
    onLine,
  });
  return { address: new URL(await process.ready).host, process };
}

/** Whether an app's `--help` lists an option, such as `--no-fast-lane`. */
export async function hasOption(script: string, option: string): Promise<boolean> {
  const { stdout } = await run(process.execPath, [script, '--help']);
  return stdout.split(/[\s,]+/).includes(option);
}
