import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { until } from '@kvs/protocol/testing';
import { proxyScript, ServerProcess } from '@kvs-tools/local-cluster';
import { string } from './data.js';
import { send } from './http.js';

/** A proxy of several workers, and what its log says about them. */
export class ProxyOfWorkers extends ServerProcess {
  constructor(addresses: readonly string[], args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
    super({ name: 'proxy', script: proxyScript, args: [...addresses, '--port', '0', ...args], environment });
  }

  /** The process ids of all workers that accepted connections, also of ended ones, in the order of the log. */
  get workerPids(): number[] {
    return this.lines.flatMap((line) => {
      const pid = /worker \d+ \(pid (\d+)\) accepts connections/.exec(line)?.[1];
      return pid === undefined ? [] : [Number(pid)];
    });
  }

  /** The lines of the log that say where the proxy listens. */
  get listening(): string[] {
    return this.lines.filter((line) => line.includes('listening on'));
  }

  /** Resolves when this number of workers have accepted connections since the start. */
  async workers(count: number): Promise<number[]> {
    await until(() => this.workerPids.length >= count);
    return this.workerPids;
  }

  /** For clean-up, also of a worker that a test has stopped by SIGSTOP. */
  async kill(): Promise<void> {
    await Promise.all([this.stop('SIGKILL'), ...this.workerPids.map(killed)]);
  }
}

/** A client with one connection, which is kept alive. */
export class KeptConnection {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  /** Resolves when either side has closed the connection. */
  closed: Promise<void> | undefined;
  isClosed = false;

  /** Returns the status of an answer on the connection, or the code of the error. */
  ask(url: string): Promise<number | string> {
    return new Promise((resolve) => {
      const asking = request(url, { agent: this.#agent }, (response) => {
        response.resume().once('end', () => resolve(response.statusCode ?? 0));
        response.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      });
      asking.once('socket', (socket) => {
        if (this.closed) return;
        this.closed = new Promise<void>((resolve) => socket.once('close', resolve)).then(() => {
          this.isClosed = true;
        });
      });
      asking.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message)).end();
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

async function killed(pid: number): Promise<void> {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    return; // it has ended
  }
  await gone(pid);
}

/** Waits until a process that is not our child has ended. */
export function gone(pid: number): Promise<void> {
  return until(() => !isThere(pid));
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // An ended process stays listed until its parent, perhaps not one of ours, waits for it.
  return !isZombie(pid);
}

function isZombie(pid: number): boolean {
  try {
    return /^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** Stores more than all buffers can hold, so that a scan stays in flight if its client does not read. */
export async function fillWithLargeValues(origin: string): Promise<void> {
  const value = string('v'.repeat(4 * 1024 * 1024));
  for (let i = 0; i < 8; i++) {
    await send('PUT', `${origin}/set`, { body: [{ key: string(`large-${i}`), value }] });
  }
}
