import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '@kvs/protocol/testing';
import { Redis } from 'ioredis';

export interface RedisProcessOptions {
  /** Lines of a Redis configuration, as `['maxmemory', '20mb']`. */
  readonly settings?: readonly (readonly [string, string])[];
  readonly port?: number;
}

/** A redis-server for one test, on a free port, with a directory of its own. */
export class RedisProcess {
  #process: ChildProcess | undefined;
  #admin: Redis | undefined;

  readonly #directory: string;
  readonly #settings: readonly (readonly [string, string])[];

  private constructor(
    readonly port: number,
    directory: string,
    settings: readonly (readonly [string, string])[],
  ) {
    this.#directory = directory;
    this.#settings = settings;
  }

  static async start({ settings = [], port }: RedisProcessOptions = {}): Promise<RedisProcess> {
    const directory = await mkdtemp(join(tmpdir(), 'kvs-redis-'));
    const server = new RedisProcess(port ?? (await freePort()), directory, settings);
    try {
      await server.run();
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** A connection for the test's own commands. */
  get admin(): Redis {
    if (this.#admin === undefined) throw new Error('the server is not running');
    return this.#admin;
  }

  /** Starts the process, also again after {@link kill}. */
  async run(): Promise<void> {
    const args = ['--port', `${this.port}`, '--bind', '127.0.0.1', '--dir', this.#directory, '--save', ''];
    const more = this.#settings.flatMap(([name, value]) => [`--${name}`, value]);
    const child = spawn('redis-server', [...args, ...more], { stdio: 'ignore' });
    this.#process = child;
    let failure: Error | undefined;
    child.on('error', (error) => (failure = error));
    child.on('exit', () => (failure ??= new Error('redis-server ended')));
    this.#admin = new Redis(this.port, '127.0.0.1', { retryStrategy: () => 50, protocol: 2 });
    this.#admin.on('error', ignore);
    const admin = this.#admin;
    await until(() => {
      if (failure) {
        admin.disconnect();
        throw failure;
      }
      return admin.status === 'ready';
    });
  }

  pause(): void {
    this.#process?.kill('SIGSTOP');
  }

  resume(): void {
    this.#process?.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    this.#admin?.disconnect();
    this.#admin = undefined;
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** Returns a free port with a free cluster bus port, 10,000 above. */
export async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    server.close();
    await once(server, 'close');
    if (typeof address === 'object' && address !== null && address.port < 55_000) return address.port;
  }
}

function ignore(): void {
  // These tests expect errors while a server is away.
}
