import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, freePorts } from './command.js';

/** Whether redis-server is on the PATH. */
export function hasRedis(): boolean {
  return spawnSync('redis-server', ['--version']).status === 0;
}

/** A redis-server of one's own on a free port, that writes nothing to disk and forgets everything when it ends. */
export class RedisServer {
  #command: Command | undefined;
  readonly #killWithUs = (): void => this.#command?.destroy();

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

  /** @param settings more arguments, such as `--cluster-enabled yes` */
  static async start(settings: readonly string[] = []): Promise<RedisServer> {
    const directory = await mkdtemp(join(tmpdir(), 'kvs-redis-'));
    let port = await freePorts(1);
    while (port > MAX_PORT) port = await freePorts(1);
    const server = new RedisServer(port, directory, settings);
    try {
      await server.run();
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  get url(): string {
    return `redis://${REDIS_HOST}:${this.port}`;
  }

  /** Starts the process, again after {@link kill}; resolves when it takes connections. */
  async run(): Promise<void> {
    const args = ['--port', `${this.port}`, '--bind', REDIS_HOST, '--dir', this.#directory, '--save', ''];
    this.#command = new Command('redis-server', [...args, ...this.#settings]);
    process.once('exit', this.#killWithUs);
    await this.#command.until(/Ready to accept connections/);
  }

  async kill(): Promise<void> {
    process.off('exit', this.#killWithUs);
    this.#command?.signal('SIGKILL');
    await this.#command?.finished;
  }

  /** It keeps its connections, and says nothing until {@link resume}. */
  pause(): void {
    this.#command?.signal('SIGSTOP');
  }

  resume(): void {
    this.#command?.signal('SIGCONT');
  }

  async stop(): Promise<void> {
    await this.kill().finally(() => rm(this.#directory, { recursive: true }));
  }
}

export const REDIS_HOST = '127.0.0.1';

/** Servers of a cluster also listen on the port that is 10,000 above. */
const MAX_PORT = 55_535;
