import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Returns whether etcd is on the PATH. */
export function hasEtcd(): boolean {
  return spawnSync('etcd', ['--version']).status === 0;
}

/** A server of etcd on free ports, with a directory of its own. */
export class EtcdProcess {
  readonly #killWithUs = (): void => void this.child.kill('SIGKILL');

  private constructor(
    readonly url: string,
    readonly child: ChildProcess,
    readonly directory: string,
  ) {}

  static async start(): Promise<EtcdProcess> {
    const directory = await mkdtemp(join(tmpdir(), 'kvs-etcd-'));
    const [client, peer] = [`http://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`];
    const clients = ['--listen-client-urls', client, '--advertise-client-urls', client];
    const peers = ['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer];
    const cluster = ['--initial-cluster', `default=${peer}`, '--data-dir', directory];
    const child = spawn('etcd', [...clients, ...peers, ...cluster], { stdio: 'ignore' });
    const server = new EtcdProcess(client, child, directory);
    process.once('exit', server.#killWithUs);
    try {
      await server.#untilHealthy();
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null && this.child.pid !== undefined) {
      const exit = once(this.child, 'exit');
      this.child.kill('SIGKILL');
      await exit;
    }
    process.off('exit', this.#killWithUs);
    await rm(this.directory, { recursive: true, force: true });
  }

  async #untilHealthy(): Promise<void> {
    let failure: Error | undefined;
    this.child.once('error', (error) => (failure = error));
    for (const endMs = Date.now() + START_MS; Date.now() < endMs;) {
      if (failure !== undefined) throw failure;
      const isHealthy = await fetch(`${this.url}/health`).then(
        async (answer) => (await answer.text()).includes('true'),
        () => false,
      );
      if (isHealthy) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error('etcd did not start');
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

const START_MS = 20_000;
