import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, freePorts } from './command.js';

/** Returns whether redis-server is on the PATH. */
export function hasRedis(): boolean {
  return spawnSync('redis-server', ['--version']).status === 0;
}

/** A redis-server on a free port that writes nothing to disk. */
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

  /**
   * @param settings more arguments, such as `--cluster-enabled yes`
   * @param choosePort called again if another process takes the port before the server does
   */
  static async start(
    settings: readonly string[] = [],
    choosePort = () => freePorts(1),
  ): Promise<RedisServer> {
    for (let attempts = 1; ; attempts++) {
      const directory = await mkdtemp(join(tmpdir(), 'kvs-redis-'));
      const server = new RedisServer(await choosePort(), directory, settings);
      try {
        await server.run();
        return server;
      } catch (error) {
        await server.stop();
        if (attempts === MAX_ATTEMPTS) throw error;
      }
    }
  }

  get url(): string {
    return `redis://${REDIS_HOST}:${this.port}`;
  }

  /** Starts the process, also again after {@link kill}. Resolves when it accepts connections. */
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

  /** Stops the process until {@link resume}. Connections stay open. */
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

const MAX_ATTEMPTS = 5;
