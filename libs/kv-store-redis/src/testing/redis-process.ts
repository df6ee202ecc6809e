import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts, until, WatchedProcess } from '@kvs/protocol/testing';
import { Redis } from 'ioredis';

export interface RedisProcessOptions {
  /** More arguments, such as `--cluster-enabled yes`. */
  readonly settings?: readonly string[];
  /** Called again if another process takes the port before the server does. */
  readonly choosePort?: () => Promise<number>;
}

/** A redis-server on a free port that writes nothing to disk, with a directory of its own. */
export class RedisProcess {
  #process: WatchedProcess | undefined;
  #admin: Redis | undefined;
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
    choosePort = () => freePorts(1, HOST),
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
    this.#process = new WatchedProcess('redis-server', [...args, ...this.#settings]);
    await this.#process.until(/Ready to accept connections/);
    const admin = new Redis(this.port, HOST, { retryStrategy: () => 50, protocol: 2 });
    // Errors are expected while the server is away.
    admin.on('error', () => undefined);
    this.#admin = admin;
    await until(() => admin.status === 'ready');
  }

  /** Stops the process until {@link resume}. Connections stay open. */
  pause(): void {
    this.#process?.signal('SIGSTOP');
  }

  resume(): void {
    this.#process?.signal('SIGCONT');
  }

  async kill(): Promise<void> {
    this.#admin?.disconnect();
    this.#admin = undefined;
    const server = this.#process;
    this.#process = undefined;
    await server?.stop('SIGKILL').catch(() => undefined); // it may not have started
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

const HOST = '127.0.0.1';
const MAX_ATTEMPTS = 5;
