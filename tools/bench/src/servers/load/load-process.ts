import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Load, LoadOutcome } from './load.js';

export interface LoadProcessOptions extends Omit<Load, 'seconds'> {
  /** Without a rate, each connection sends the next request when the previous one is answered. */
  readonly requestsPerSecond?: number;
}

/**
 * A load in a process of its own that goes on until it is stopped. With a rate, requests become due evenly, also while
 * answers are late; a request that waits for a free connection counts this wait. wrk has no such mode.
 */
export class LoadProcess {
  static async start({ requests, ...options }: LoadProcessOptions): Promise<LoadProcess> {
    // As built: the tests, which run the sources, find it there too.
    const script = fileURLToPath(new URL('../../../dist/servers/children/load.js', import.meta.url));
    const running = new LoadProcess(fork(script, { execArgv: [] }));
    const prepared = requests.map(({ method, path, body }) => ({ method, path, body }));
    await running.#ask({ ...options, requests: prepared });
    return running;
  }

  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Returns the answers since the load started or since this was last called. */
  cut(): Promise<LoadOutcome> {
    return this.#ask('cut');
  }

  /**
   * Returns the answers of the next seconds, and waits longer if there were none.
   *
   * @throws Error if there are none for a minute
   */
  async measure(seconds: number): Promise<LoadOutcome> {
    await this.cut();
    for (let waitedMs = 0; waitedMs < MAX_WAIT_MS; waitedMs += seconds * 1000) {
      await setTimeout(seconds * 1000);
      const outcome = await this.cut();
      if (outcome.requests + outcome.failures > 0) return outcome;
    }
    throw new Error('the server answers no request');
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }

  /** @throws AbortError if the process ends before it answers, or does not answer for a minute */
  async #ask(message: object | 'cut'): Promise<LoadOutcome> {
    const ended = new AbortController();
    const end = (): void => ended.abort();
    this.#child.once('exit', end);
    try {
      this.#child.send(message);
      const [outcome]: LoadOutcome[] = await once(this.#child, 'message', {
        signal: AbortSignal.any([ended.signal, AbortSignal.timeout(MAX_WAIT_MS)]),
      });
      if (outcome === undefined) throw new TypeError('the load process sent an empty message');
      return outcome;
    } finally {
      this.#child.off('exit', end);
    }
  }
}

const MAX_WAIT_MS = 60_000;
