import { fork, type ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import type { MetricFamily } from '../metrics/metric-family.js';
import type { Seat } from './connection-dealer.js';
import { readToPrimary, type ToPrimary, type ToWorker } from './messages.js';

/** Tells a process that it is a worker, and which. */
export const WORKER_VARIABLE = 'KVS_WORKER_NUMBER';

/**
 * After so long, the next connection goes to a worker that has not taken the last: it may have lost it, as a process does
 * that has no descriptors left.
 */
const TAKE_TIMEOUT_MS = 5_000;

export interface WorkerListener {
  ready(worker: WorkerProcess): void;
  /** It would take another connection. */
  taken(worker: WorkerProcess): void;
  /** It has ended, though that is not known yet, and did not get this connection. */
  undelivered(worker: WorkerProcess, socket: Socket): void;
  /** It wants the page of all processes' metrics. */
  pageWanted(worker: WorkerProcess, id: number): void;
  /** @param reason such as `exit code 1`, or the signal that killed it */
  ended(worker: WorkerProcess, reason: string): void;
}

/** A worker, as the first process sees it. */
export class WorkerProcess implements Seat<Socket> {
  isReady = false;
  readonly #startedMs = performance.now();
  readonly #child: ChildProcess;
  readonly #asked = new Map<number, (families: readonly MetricFamily[] | undefined) => void>();
  #onItsWay: { id: number; socket: Socket; timer: NodeJS.Timeout } | undefined;
  #lastId = 0;
  #isOver = false;

  readonly #listener: WorkerListener;

  /** @param number from 1; a worker that replaces another has its number */
  constructor(
    readonly number: number,
    listener: WorkerListener,
  ) {
    this.#listener = listener;

    const [, script, ...args] = process.argv;
    if (script === undefined)
      throw new TypeError('workers run the script of the first process, and there is none');
    this.#child = fork(script, args, {
      env: { ...process.env, [WORKER_VARIABLE]: String(number) },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child.on('message', (message) => {
      const known = readToPrimary(message);
      if (known && !this.#isOver) this.#hear(known);
    });
    this.#child.once('exit', (code, signal) => this.#end(signal ?? `exit code ${code}`));
    this.#child.on('error', (error) => {
      // A message that came too late for it: its exit is told by itself. But one that never began has no exit.
      if (this.#child.pid === undefined) this.#end(error.message);
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get ageMs(): number {
    return performance.now() - this.#startedMs;
  }

  take(socket: Socket): void {
    const id = ++this.#lastId;
    const timer = setTimeout(() => this.#letGo(id), TAKE_TIMEOUT_MS);
    this.#onItsWay = { id, socket, timer };
    this.#send({ type: 'connection', id }, socket, () => this.#giveBack(id));
  }

  /** @returns nothing if it does not answer in time, or ends */
  askMetrics(timeoutMs: number): Promise<readonly MetricFamily[] | undefined> {
    const id = ++this.#lastId;
    return new Promise((resolve) => {
      const timer = setTimeout(() => answer(undefined), timeoutMs);
      const answer = (families: readonly MetricFamily[] | undefined): void => {
        clearTimeout(timer);
        this.#asked.delete(id);
        resolve(families);
      };
      this.#asked.set(id, answer);
      this.#send({ type: 'metrics', id });
    });
  }

  answerPage(id: number, page: string | null): void {
    this.#send({ type: 'page', id, page });
  }

  /** Asks it to finish what is under way and end. One that has not begun yet has nothing to finish. */
  stop(reason: string): void {
    if (this.isReady) this.#send({ type: 'stop', reason });
    else this.kill();
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #send(message: ToWorker, socket?: Socket, failed: () => void = () => undefined): void {
    // Kept open here until the worker has it. Node itself would close it then, but never if the worker dies before: its
    // client would wait for ever.
    this.#child.send(message, socket, { keepOpen: true }, (error) => {
      // The worker has just ended, which is told by itself.
      if (error) failed();
    });
  }

  /** A connection that was not even sent is as good as new. */
  #giveBack(id: number): void {
    if (this.#onItsWay?.id !== id) return;
    const { socket, timer } = this.#onItsWay;
    clearTimeout(timer);
    this.#onItsWay = undefined;
    this.#listener.undelivered(this, socket);
  }

  /** What the worker has remains open there. */
  #letGo(id: number): void {
    if (this.#onItsWay?.id !== id) return;
    clearTimeout(this.#onItsWay.timer);
    this.#onItsWay.socket.destroy();
    this.#onItsWay = undefined;
    if (!this.#isOver) this.#listener.taken(this);
  }

  #hear(message: ToPrimary): void {
    switch (message.type) {
      case 'ready':
        this.isReady = true;
        return this.#listener.ready(this);
      case 'taken':
        return this.#letGo(message.id);
      case 'metrics':
        return this.#asked.get(message.id)?.(message.families);
      case 'page':
        return this.#listener.pageWanted(this, message.id);
    }
  }

  #end(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#onItsWay) this.#letGo(this.#onItsWay.id);
    for (const answer of [...this.#asked.values()]) answer(undefined);
    this.#listener.ended(this, reason);
  }
}
