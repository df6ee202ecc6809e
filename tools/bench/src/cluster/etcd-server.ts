import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, freePorts } from '@kvs-tools/local-cluster';

/** Returns whether etcd is on the PATH. */
export function hasEtcd(): boolean {
  return spawnSync('etcd', ['--version']).status === 0;
}

/** An etcd of one server on free ports, with a directory of its own. */
export class EtcdServer {
  readonly #command: Command;
  readonly #directory: string;
  readonly #killWithUs = (): void => this.#command.destroy();

  private constructor(
    readonly url: string,
    command: Command,
    directory: string,
  ) {
    this.#command = command;
    this.#directory = directory;
    process.once('exit', this.#killWithUs);
  }

  static async start(): Promise<EtcdServer> {
    const directory = await mkdtemp(join(tmpdir(), 'kvs-etcd-'));
    const port = await freePorts(2);
    const [client, peer] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${port + 1}`];
    const clients = ['--listen-client-urls', client, '--advertise-client-urls', client];
    const peers = ['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer];
    const cluster = ['--initial-cluster', `default=${peer}`, '--data-dir', directory];
    const command = new Command('etcd', [...clients, ...peers, ...cluster]);
    const server = new EtcdServer(client, command, directory);
    try {
      await command.until(/ready to serve client requests/);
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** Stops the process until {@link resume}. Requests to it wait. */
  pause(): void {
    this.#command.signal('SIGSTOP');
  }

  resume(): void {
    this.#command.signal('SIGCONT');
  }

  async stop(): Promise<void> {
    process.off('exit', this.#killWithUs);
    this.#command.signal('SIGKILL');
    await this.#command.finished;
    await rm(this.#directory, { recursive: true });
  }
}
