import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { PreparedRequest } from '../contenders/dialect.js';
import { toHttp } from './load.js';
import type { WindowOutcome } from './window.js';

export interface LoadProcessOptions {
  readonly origin: string;
  readonly requests: readonly PreparedRequest[];
  readonly connections: number;
  /** Without it, each connection sends the next request when the one before is answered. */
  readonly requestsPerSecond?: number;
}

/** What a load process is told first; every message after that asks for what there was since the one before. */
export interface LoadOrder extends Omit<LoadProcessOptions, 'requests'> {
  readonly texts: readonly string[];
}

/**
 * A `SocketLoad` in a process of its own, which has nothing but the requests in its memory: this one may hold millions of
 * pairs, and would keep its load waiting, and the processors busy, whenever it collects garbage.
 */
export class LoadProcess {
  static async start({ requests, ...load }: LoadProcessOptions): Promise<LoadProcess> {
    const { host } = new URL(load.origin);
    const order: LoadOrder = { ...load, texts: requests.map((request) => toHttp(request, host)) };
    // As built: the tests, which run the sources, have it there too.
    const script = fileURLToPath(new URL('../../../dist/servers/children/socket-load.js', import.meta.url));
    const running = new LoadProcess(fork(script, { serialization: 'advanced', execArgv: [] }));
    await running.#ask(order);
    return running;
  }

  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** What was answered since the load started or was cut. */
  cut(): Promise<WindowOutcome> {
    return this.#ask('cut');
  }

  /** Ends all connections, whatever is under way on them. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }

  /** @throws Error when the process has ended, or ends before it answers; it has written why */
  async #ask(message: LoadOrder | 'cut'): Promise<WindowOutcome> {
    const ended = new AbortController();
    const end = (): void => ended.abort();
    this.#child.once('exit', end);
    try {
      this.#child.send(message);
      const [outcome]: WindowOutcome[] = await once(this.#child, 'message', { signal: ended.signal });
      if (outcome === undefined) throw new TypeError('the load has answered nothing');
      return outcome;
    } finally {
      this.#child.off('exit', end);
    }
  }
}
