import { RedisProcess } from '@kvs/kv-store-redis/testing';
import { proxyScript, ServerProcess, storageNodeScript } from '@kvs-tools/local-cluster';
import { MeasuredCluster } from '../cluster/measured-cluster.js';

/** A server that listens for Redis clients. */
export interface RedisContender {
  readonly name: string;
  readonly port: number;
  readonly isCluster: boolean;
}

export const REDIS_SERVER = 'redis-server';
export const NODE = 'kvs, a node';
export const PROXY = 'kvs, a proxy and a node';
const CLUSTER = 'kvs, 2 nodes with 2 copies, a cluster client';

/** Starts a redis-server, a node, a proxy with another node, and perhaps a cluster. Stops all of them after the use. */
export async function withRedisContenders<T>(
  withCluster: boolean,
  use: (contenders: readonly RedisContender[]) => Promise<T>,
): Promise<T> {
  const started: { stop(): Promise<unknown> }[] = [];
  const start = <S extends { stop(): Promise<unknown> }>(server: S): S => {
    started.push(server);
    return server;
  };
  try {
    const redis = start(await RedisProcess.start());
    const node = start(startServer('node', storageNodeScript, ['localhost', '0', ...REDIS_ARGS]));
    const behind = start(startServer('node', storageNodeScript, ['localhost', '0']));
    const address = new URL(await behind.ready).host;
    const proxy = start(startServer('proxy', proxyScript, [address, '--port', '0', ...REDIS_ARGS]));
    const contenders: RedisContender[] = [
      { name: REDIS_SERVER, port: redis.port, isCluster: false },
      { name: NODE, port: await node.redisPort, isCluster: false },
      { name: PROXY, port: await proxy.redisPort, isCluster: false },
    ];
    if (withCluster) {
      const cluster = start(await MeasuredCluster.start({ copies: 2, nodeCount: 2, nodeArgs: REDIS_ARGS }));
      contenders.push({ name: CLUSTER, port: await cluster.redisPort(), isCluster: true });
    }
    return await use(contenders);
  } finally {
    await Promise.all(started.map((server) => server.stop()));
  }
}

function startServer(name: string, script: string, args: readonly string[]): ServerProcess {
  return new ServerProcess({ name, script, args });
}

const REDIS_ARGS = ['--redis-port', 'auto'];
