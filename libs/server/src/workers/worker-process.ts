import { fork, type ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import type { MetricFamily } from '../metrics/metric-family.js';
import type { WorkerSlot } from './connection-balancer.js';
import { isToPrimary, type ToPrimary, type ToWorker } from './messages.js';

/** Tells a process that it is a worker, and its number. */
export const WORKER_VARIABLE = 'KVS_WORKER_NUMBER';

/**
 * After this time, a worker that has not accepted a connection is asked for it. It may have lost the connection, as a process
 * does that has no file descriptors left. A worker that hangs does not answer, and gets no other connection.
 */
const ACCEPT_TIMEOUT_MS = 5_000;

/** A connection that the primary process accepted. */
export interface AcceptedConnection {
  /** The protocol of the port that it came to. */
  readonly protocol: string;
  readonly socket: Socket;
}

export interface WorkerEvents {
  /** The worker can accept connections. */
  onReady(worker: WorkerProcess): void;
  /** The worker has accepted a connection, and can accept another. */
  onAccepted(worker: WorkerProcess): void;
  /** The connection could not be sent to the worker, because the worker has ended. */
  onUndelivered(worker: WorkerProcess, connection: AcceptedConnection): void;
  /** The worker asks for the metrics page of all processes. */
  onPageWanted(worker: WorkerProcess, id: number): void;
  /** @param reason such as `exit code 1`, or the signal that ended the worker */
  onEnded(worker: WorkerProcess, reason: string): void;
}

/** A worker, as the primary process sees it. */
export class WorkerProcess implements WorkerSlot<AcceptedConnection> {
  isReady = false;
  readonly #startedMs = performance.now();
  readonly #child: ChildProcess;
  readonly #asked = new Map<number, (families: readonly MetricFamily[] | undefined) => void>();
  #sent: { id: number; connection: AcceptedConnection; timer: NodeJS.Timeout } | undefined;
  #lastId = 0;
  #hasEnded = false;

  readonly #events: WorkerEvents;

  /** @param number from 1; a worker that replaces another has the same number */
  constructor(
    readonly number: number,
    events: WorkerEvents,
  ) {
    this.#events = events;

    const [, script, ...args] = process.argv;
    if (script === undefined)
      throw new TypeError('workers run the script of the primary process, and there is none');
    this.#child = fork(script, args, {
      env: { ...process.env, [WORKER_VARIABLE]: String(number) },
      // JSON would turn a metric that is infinite into null.
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child.on('message', (message) => {
      if (isToPrimary(message) && !this.#hasEnded) this.#receive(message);
    });
    this.#child.once('exit', (code, signal) => this.#end(signal ?? `exit code ${code}`));
    this.#child.on('error', (error) => {
      // A process that never started emits no `exit`. Other errors are of messages that came too late.
      if (this.#child.pid === undefined) this.#end(error.message);
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get ageMs(): number {
    return performance.now() - this.#startedMs;
  }

  assign(connection: AcceptedConnection): void {
    const id = ++this.#lastId;
    const message = { type: 'connection', id, protocol: connection.protocol } as const;
    // Repeats the message without the socket. A worker that has lost the socket acknowledges this message, and is sent others.
    const timer = setTimeout(() => this.#send(message), ACCEPT_TIMEOUT_MS);
    this.#sent = { id, connection, timer };
    this.#send(message, connection.socket, () => this.#return(id));
  }

  /** Returns the metrics of the worker; undefined if it does not answer in time, or ends. */
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

  /** Asks the worker to finish what is in flight and end. A worker that is still starting is killed. */
  stop(reason: string): void {
    if (this.isReady) this.#send({ type: 'stop', reason });
    else this.kill();
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** @param onFailed called if the message can't be sent, because the worker has ended */
  #send(message: ToWorker, socket?: Socket, onFailed: () => void = () => undefined): void {
    // The socket stays open here until the worker has accepted it. Without `keepOpen`, Node would close it then, but never if the
    // worker ends before, and its client would wait for ever.
    this.#child.send(message, socket, { keepOpen: true }, (error) => {
      if (error) onFailed();
    });
  }

  /** Gives a connection that was never sent back to the balancer. */
  #return(id: number): void {
    if (this.#sent?.id !== id) return;
    const { connection, timer } = this.#sent;
    clearTimeout(timer);
    this.#sent = undefined;
    this.#events.onUndelivered(this, connection);
  }

  /** Closes this process's copy of a connection. The worker's copy stays open. */
  #forget(id: number): void {
    if (this.#sent?.id !== id) return;
    clearTimeout(this.#sent.timer);
    this.#sent.connection.socket.destroy();
    this.#sent = undefined;
    if (!this.#hasEnded) this.#events.onAccepted(this);
  }

  #receive(message: ToPrimary): void {
    switch (message.type) {
      case 'ready':
        this.isReady = true;
        return this.#events.onReady(this);
      case 'accepted':
        return this.#forget(message.id);
      case 'metrics':
        return this.#asked.get(message.id)?.(message.families);
      case 'page':
        return this.#events.onPageWanted(this, message.id);
    }
  }

  #end(reason: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    if (this.#sent) this.#forget(this.#sent.id);
    for (const answer of [...this.#asked.values()]) answer(undefined);
    this.#events.onEnded(this, reason);
  }
}
