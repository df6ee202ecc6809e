import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts, WatchedProcess } from '@kvs/protocol/testing';

/** Returns whether etcd is on the PATH. */
export function hasEtcd(): boolean {
  return spawnSync('etcd', ['--version']).status === 0;
}

/** A server of etcd on free ports, with a directory of its own. */
export class EtcdProcess {
  readonly #process: WatchedProcess;
  readonly #directory: string;

  private constructor(
    readonly url: string,
    process: WatchedProcess,
    directory: string,
  ) {
    this.#process = process;
    this.#directory = directory;
  }

  static async start(): Promise<EtcdProcess> {
    const directory = await mkdtemp(join(tmpdir(), 'kvs-etcd-'));
    const port = await freePorts(2, HOST);
    const [client, peer] = [`http://${HOST}:${port}`, `http://${HOST}:${port + 1}`];
    const clients = ['--listen-client-urls', client, '--advertise-client-urls', client];
    const peers = ['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer];
    const cluster = ['--initial-cluster', `default=${peer}`, '--data-dir', directory];
    const process = new WatchedProcess('etcd', [...clients, ...peers, ...cluster]);
    const server = new EtcdProcess(client, process, directory);
    try {
      await process.until(/ready to serve client requests/);
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** Stops the process until {@link resume}. Connections stay open. */
  pause(): void {
    this.#process.signal('SIGSTOP');
  }

  resume(): void {
    this.#process.signal('SIGCONT');
  }

  async stop(): Promise<void> {
    await this.#process.stop('SIGKILL').catch(() => undefined); // it may not have started
    await rm(this.#directory, { recursive: true, force: true });
  }
}

const HOST = '127.0.0.1';
