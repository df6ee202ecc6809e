import { spawnSync } from 'node:child_process';
import { run } from '@kvs-tools/local-cluster';

/** One load of redis-benchmark. */
export interface RedisLoad {
  readonly command: 'SET' | 'GET';
  /** How many commands a connection sends before it waits for the replies. */
  readonly pipeline: number;
  readonly requests: number;
  readonly connections: number;
  /** Whether the port is that of a node of a cluster, and each command goes to the node of its key. */
  readonly isCluster: boolean;
}

/** Returns whether redis-benchmark and redis-server are on the PATH. */
export function hasRedisTools(): boolean {
  return ['redis-benchmark', 'redis-server'].every((tool) => spawnSync(tool, ['--version']).status === 0);
}

/** Puts a port under load with values of {@link VALUE_BYTES}. Returns the requests per second. */
export async function requestsPerSecond(port: number, load: RedisLoad): Promise<number> {
  const { command, pipeline, requests, connections, isCluster } = load;
  const sizes = ['-n', `${requests}`, '-c', `${connections}`, '-P', `${pipeline}`];
  const values = ['-d', `${VALUE_BYTES}`, '-r', `${KEYS}`];
  const args = ['-h', 'localhost', '-p', `${port}`, '-t', command.toLowerCase(), ...sizes, ...values];
  const { code, stdout, stderr } = await run('redis-benchmark', [
    ...args,
    '--csv',
    ...(isCluster ? ['--cluster'] : []),
  ]);
  const found = new RegExp(`^"${command}","([\\d.]+)"`, 'm').exec(stdout)?.[1];
  if (code !== 0 || found === undefined) throw new Error(`redis-benchmark failed: ${stdout}${stderr}`);
  return Number(found);
}

export const VALUE_BYTES = 100;
const KEYS = 10_000;
