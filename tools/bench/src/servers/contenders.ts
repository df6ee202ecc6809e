import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ServerProcess, workspaceRoot } from '@kvs-tools/local-cluster';

/** A server, or several that serve together, whose speed is measured. */
export interface Contender {
  readonly name: string;
  /** Starts it empty, on free ports. The caller stops it. */
  start(): Promise<RunningContender>;
}

export interface RunningContender {
  readonly name: string;
  /** Where requests go: `http://host:port`. */
  readonly origin: string;
  /** Its processes, whose CPU time is measured. */
  readonly pids: readonly number[];
  /** Kills its processes. */
  stop(): Promise<void>;
}

export interface RunningCluster extends RunningContender {
  readonly proxyPid: number;
  /** `host:port` of each node, as the proxy knows it. */
  readonly addresses: readonly string[];
}

/** The yardstick: a JSON store of one bare node:http process. */
export const raw = childServer('raw', 'raw-server');

export const NODE_NAME = 'kvs, storage node directly';
export const CLUSTER_NAME = 'kvs, proxy and 2 nodes';
export const BASELINE_NAME = 'kvs, baseline';
const NODE_COUNT = 2;

/** One process that runs a script of `children`. */
export function childServer(name: string, script: string, args: readonly string[] = []): Contender {
  // As built: the tests, which run the sources, find it there too.
  const path = fileURLToPath(new URL(`../../dist/servers/children/${script}.js`, import.meta.url));
  return { name, start: () => startServer({ name, script: path, args }) };
}

/** A storage node that clients ask directly. */
export const storageNode: Contender = {
  name: NODE_NAME,
  start: () => startServer(nodeOptions(NODE_NAME, workspaceRoot)),
};

/**
 * Starts a proxy with two storage nodes, whose engine is in memory.
 *
 * @param workspace the checkout whose build is run
 */
export async function startCluster(name = CLUSTER_NAME, workspace = workspaceRoot): Promise<RunningCluster> {
  const running: RunningContender[] = [];
  const stop = async (): Promise<void> => void (await Promise.all(running.map((each) => each.stop())));
  try {
    for (let node = 0; node < NODE_COUNT; node++)
      running.push(await startServer(nodeOptions(name, workspace)));
    const addresses = running.map(({ origin }) => new URL(origin).host);
    const script = join(workspace, 'apps/proxy/dist/main.js');
    const proxy = await startServer({ name, script, args: [...addresses, '--port', '0'] });
    running.push(proxy);
    const pids = running.flatMap((each) => each.pids);
    const proxyPid = proxy.pids[0] ?? NaN;
    return { name, origin: proxy.origin, pids, proxyPid, addresses, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Starts contenders one after the other and stops them all after the use. */
export async function withRunning<Running extends { stop(): Promise<void> }, Result>(
  contenders: readonly { start(): Promise<Running> }[],
  use: (running: readonly Running[]) => Promise<Result>,
): Promise<Result> {
  const running: Running[] = [];
  try {
    for (const contender of contenders) running.push(await contender.start());
    return await use(running);
  } finally {
    await Promise.all(running.map((each) => each.stop()));
  }
}

interface ServerOptions {
  readonly name: string;
  readonly script: string;
  readonly args: readonly string[];
}

function nodeOptions(name: string, workspace: string): ServerOptions {
  return { name, script: join(workspace, 'apps/storage-node/dist/main.js'), args: ['localhost', '0'] };
}

async function startServer(options: ServerOptions): Promise<RunningContender> {
  const server = new ServerProcess(options);
  const origin = await server.ready;
  const { name, pid } = server;
  if (pid === undefined) throw new TypeError(`${name} has not started`);
  return {
    name,
    origin,
    pids: [pid],
    stop: async () => void (await server.stop('SIGKILL')),
  };
}
