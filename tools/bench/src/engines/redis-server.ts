import type { ChildProcess } from 'node:child_process';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';

export function hasRedis(): boolean {
  return spawnSync('redis-server', ['--version']).status === 0;
}

/** Uses a redis-server that writes nothing to disk, on a free port; it ends with the use. */
export async function withRedis<T>(use: (server: RedisServer) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'kvs-bench-redis-'));
  const port = await freePort();
  const settings = ['--bind', '127.0.0.1', '--dir', directory, '--save', '', '--appendonly', 'no'];
  const child = spawn('redis-server', ['--port', `${port}`, ...settings], { stdio: 'ignore' });
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  const client = new Redis(port, '127.0.0.1', CLIENT_OPTIONS);
  client.on('error', ignore);
  try {
    await Promise.race([client.ping(), ended(child)]);
    return await use(new RedisServer(port, client));
  } finally {
    client.disconnect();
    process.off('exit', kill);
    if (child.exitCode === null && child.signalCode === null) {
      const exit = once(child, 'exit');
      kill();
      await exit;
    }
    await rm(directory, { recursive: true, force: true });
  }
}

export class RedisServer {
  constructor(
    private readonly port: number,
    private readonly admin: Redis,
  ) {}

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** A client at its fastest: commands given in one turn of the event loop go out together. */
  connect(database: number): Redis {
    return new Redis(this.port, '127.0.0.1', {
      ...CLIENT_OPTIONS,
      db: database,
      enableAutoPipelining: true,
    });
  }

  /** The memory that the server says it uses, and what of it the system has given it, in bytes. */
  async memory(): Promise<{ readonly used: number; readonly resident: number }> {
    const info = await this.admin.info('memory');
    return { used: numberIn(info, 'used_memory'), resident: numberIn(info, 'used_memory_rss') };
  }

  /** The CPU time that the server has taken, in nanoseconds. */
  async cpuNanoseconds(): Promise<number> {
    const info = await this.admin.info('cpu');
    return (numberIn(info, 'used_cpu_user') + numberIn(info, 'used_cpu_sys')) * 1e9;
  }
}

const CLIENT_OPTIONS = { maxRetriesPerRequest: null, retryStrategy: () => 50 };

function numberIn(info: string, name: string): number {
  const value = new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1];
  if (value === undefined) throw new Error(`redis-server does not say its ${name}`);
  return Number(value);
}

async function ended(child: ChildProcess): Promise<never> {
  await once(child, 'exit');
  throw new Error('redis-server ended');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('there is no free port');
  return address.port;
}

function ignore(): void {
  // Until it listens, the client tries again; when it ends, the use fails.
}
