import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, freePorts } from '@kvs-tools/local-cluster';

/** A redis-server of a test's own, that forgets everything when it ends. */
export class RedisServer {
  private command: Command | undefined;

  private constructor(
    private readonly port: number,
    private readonly directory: string,
  ) {}

  static async start(): Promise<RedisServer> {
    const server = new RedisServer(await freePorts(1), await mkdtemp(join(tmpdir(), 'kvs-e2e-redis-')));
    await server.run();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async run(): Promise<void> {
    const args = ['--port', `${this.port}`, '--bind', '127.0.0.1', '--dir', this.directory, '--save', ''];
    this.command = new Command('redis-server', args);
    await this.command.until(/Ready to accept connections/);
  }

  async kill(): Promise<void> {
    this.command?.signal('SIGKILL');
    await this.command?.finished;
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.directory, { recursive: true });
  }
}

/** Whether tests that need redis-server run: where it is on the PATH, or the environment requires them. */
export function runsWithRedis(): boolean {
  return process.env['KVS_REQUIRE_TOOLS'] === '1' || spawnSync('redis-server', ['--version']).status === 0;
}
