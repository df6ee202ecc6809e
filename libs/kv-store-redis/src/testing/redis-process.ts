import { spawn, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { until } from '@kvs/protocol/testing';
import { Redis } from 'ioredis';

export interface RedisProcessOptions {
  /** More arguments, such as `--cluster-enabled yes`. */
  readonly settings?: readonly string[];
  /** Called again if another process takes the port before the server does. */
  readonly choosePort?: () => Promise<number>;
}

/** A redis-server on a free port that writes nothing to disk, with a directory of its own. */
export class RedisProcess {
  #process: ChildProcess | undefined;
  #admin: Redis | undefined;
  readonly #killWithUs = (): void => void this.#process?.kill('SIGKILL');

  readonly #directory: string;
  readonly #settings: readonly string[];

  private constructor(
    readonly port: number,
    directory: string,
    settings: readonly string[],
  ) {
    this.#directory = directory;
    this.#settings = settings;
  }

  static async start({
    settings = [],
    choosePort = freePort,
  }: RedisProcessOptions = {}): Promise<RedisProcess> {
    for (let attempts = 1; ; attempts++) {
      const directory = await mkdtemp(join(tmpdir(), 'kvs-redis-'));
      const server = new RedisProcess(await choosePort(), directory, settings);
      try {
        await server.run();
        return server;
      } catch (error) {
        await server.stop();
        if (attempts === MAX_ATTEMPTS) throw error;
      }
    }
  }

  /** `host:port` */
  get address(): string {
    return `${HOST}:${this.port}`;
  }

  get url(): string {
    return `redis://${this.address}`;
  }

  /** A connection for the user's own commands. */
  get admin(): Redis {
    if (this.#admin === undefined) throw new Error('the server is not running');
    return this.#admin;
  }

  /** Starts the process, also again after {@link kill}. Resolves when it accepts connections. */
  async run(): Promise<void> {
    const args = ['--port', `${this.port}`, '--bind', HOST, '--dir', this.#directory, '--save', ''];
    const child = spawn('redis-server', [...args, ...this.#settings], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    this.#process = child;
    process.once('exit', this.#killWithUs);
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject).once('exit', () => reject(new Error('redis-server ended')));
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (line.includes('Ready to accept connections')) resolve();
      });
    });
    const admin = new Redis(this.port, HOST, { retryStrategy: () => 50, protocol: 2 });
    // Errors are expected while the server is away.
    admin.on('error', () => undefined);
    this.#admin = admin;
    await until(() => admin.status === 'ready');
  }

  /** Stops the process until {@link resume}. Connections stay open. */
  pause(): void {
    this.#process?.kill('SIGSTOP');
  }

  resume(): void {
    this.#process?.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    process.off('exit', this.#killWithUs);
    this.#admin?.disconnect();
    this.#admin = undefined;
    const child = this.#process;
    this.#process = undefined;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** Returns a port that no system gives to clients: those have the ports from 32768 at Linux, from 49152 elsewhere. */
export async function freePort(): Promise<number> {
  for (;;) {
    // A server of a Redis Cluster takes the port 10,000 above, too.
    const port = randomInt(15_000, 22_768);
    const isFree = await new Promise<boolean>((resolve) => {
      const server = createServer()
        .once('error', () => resolve(false))
        .listen(port, HOST, () => server.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
}

const HOST = '127.0.0.1';
const MAX_ATTEMPTS = 5;
