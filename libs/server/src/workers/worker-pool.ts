import type { Socket } from 'node:net';
import { ProcessMetrics } from '../metrics/process-metrics.js';
import { exposition } from '../metrics/exposition.js';
import { counter, gauge, type MetricFamily } from '../metrics/metric-family.js';
import type { Logger } from '../logs/logger.js';
import { StartError } from '../command-line/start-error.js';
import type { ConnectionDealer } from './connection-dealer.js';
import { RestartPause } from './restart-pause.js';
import { WorkerMetrics } from './worker-metrics.js';
import { WorkerProcess, type WorkerListener } from './worker-process.js';

/** How long a worker may take to tell its metrics; then those it told before are shown again. */
const METRICS_TIMEOUT_MS = 1_000;

export interface WorkerPoolEvents {
  /** No worker is left that takes connections. */
  readonly onAllEnded: () => void;
  /** After that, the first worker takes connections. */
  readonly onServingAgain: () => void;
}

/** So many workers, each replaced when it ends, until all are to end. */
export class WorkerPool implements WorkerListener {
  /** Resolves when all workers take connections; rejects with {@link StartError} when one ends before that. */
  readonly started: Promise<void>;
  readonly #workers = new Set<WorkerProcess>();
  readonly #pauses: readonly RestartPause[];
  readonly #restarting = new Set<NodeJS.Timeout>();
  readonly #metrics = new WorkerMetrics<WorkerProcess>();
  readonly #ownMetrics = new ProcessMetrics();
  #restarts = 0;
  #phase: 'starting' | 'serving' | 'stopping' = 'starting';
  #onStarted: () => void = () => undefined;
  #onFailed: (error: StartError) => void = () => undefined;
  #onEmpty: () => void = () => undefined;

  readonly #size: number;
  readonly #dealer: ConnectionDealer<Socket>;
  readonly #logger: Logger;
  readonly #events: WorkerPoolEvents;

  constructor(size: number, dealer: ConnectionDealer<Socket>, logger: Logger, events: WorkerPoolEvents) {
    this.#size = size;
    this.#dealer = dealer;
    this.#logger = logger;
    this.#events = events;

    this.#pauses = Array.from({ length: size }, () => new RestartPause());
    this.started = new Promise((resolve, reject) => {
      this.#onStarted = resolve;
      this.#onFailed = reject;
    });
    for (let number = 1; number <= size; number++) this.#start(number);
  }

  /**
   * Asks all workers to end and resolves when they have. One that has not after `timeoutMs` is killed.
   */
  async stop(reason: string, timeoutMs: number): Promise<void> {
    this.#phase = 'stopping';
    for (const timer of this.#restarting) clearTimeout(timer);
    if (this.#workers.size === 0) return;
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    for (const worker of this.#workers) worker.stop(reason);
    const late = setTimeout(() => {
      for (const worker of this.#workers) {
        this.#logger.warn(
          { worker: worker.number, workerPid: worker.pid },
          `${nameOf(worker)} does not end: killed`,
        );
        worker.kill();
      }
    }, timeoutMs);
    await empty;
    clearTimeout(late);
  }

  kill(): void {
    this.#phase = 'stopping';
    for (const worker of this.#workers) worker.kill();
  }

  ready(worker: WorkerProcess): void {
    if (this.#phase === 'stopping') return worker.stop('shutting down');
    this.#dealer.sit(worker);
    this.#logger.info(
      { worker: worker.number, workerPid: worker.pid },
      `${nameOf(worker)} takes connections`,
    );
    const readyCount = this.#readyCount();
    if (this.#phase === 'serving') {
      if (readyCount === 1) this.#events.onServingAgain();
    } else if (readyCount === this.#size) {
      this.#phase = 'serving';
      this.#onStarted();
    }
  }

  taken(worker: WorkerProcess): void {
    this.#dealer.sit(worker);
  }

  undelivered(worker: WorkerProcess, socket: Socket): void {
    this.#dealer.leave(worker);
    // It has ended, or is of no use any more and is to be replaced.
    worker.stop('no connection reaches it');
    this.#dealer.deal(socket);
  }

  pageWanted(worker: WorkerProcess, id: number): void {
    this.#page().then(
      (page) => worker.answerPage(id, page),
      (error: unknown) => {
        this.#logger.error(error, 'the metrics of the workers can not be put together');
        worker.answerPage(id, null);
      },
    );
  }

  ended(worker: WorkerProcess, reason: string): void {
    this.#workers.delete(worker);
    this.#dealer.leave(worker);
    this.#metrics.bury(worker).catch((error: unknown) => {
      this.#logger.error(error, 'the metrics of a worker that ended can not be kept');
    });
    if (this.#phase === 'stopping') {
      if (this.#workers.size === 0) this.#onEmpty();
      return;
    }
    if (this.#phase === 'starting') {
      this.#onFailed(new StartError(`${nameOf(worker)} ended before it took connections: ${reason}`));
      return;
    }
    this.#replace(worker, reason);
    if (worker.isReady && this.#readyCount() === 0) this.#events.onAllEnded();
  }

  #replace(worker: WorkerProcess, reason: string): void {
    const pauseMs = this.#pauses[worker.number - 1]?.next(worker.ageMs) ?? 0;
    const when = pauseMs === 0 ? 'at once' : `in ${pauseMs} ms`;
    this.#logger.error(
      { worker: worker.number, workerPid: worker.pid, reason },
      `${nameOf(worker)} ended: ${reason}; it is replaced ${when}`,
    );
    const timer = setTimeout(() => {
      this.#restarting.delete(timer);
      this.#restarts++;
      this.#start(worker.number);
    }, pauseMs);
    this.#restarting.add(timer);
  }

  #start(number: number): void {
    this.#workers.add(new WorkerProcess(number, this));
  }

  #readyCount(): number {
    return [...this.#workers].filter(({ isReady }) => isReady).length;
  }

  async #page(): Promise<string> {
    const ready = [...this.#workers].filter(({ isReady }) => isReady);
    await Promise.all(
      ready.map(async (worker) => {
        const families = await worker.askMetrics(METRICS_TIMEOUT_MS);
        if (families && this.#workers.has(worker)) this.#metrics.update(worker, families);
      }),
    );
    return exposition([await this.#own(), ...this.#metrics.all()]);
  }

  /** What the first process has to tell. Its event loop and heap say nothing of how requests are served. */
  async #own(): Promise<MetricFamily[]> {
    const ownProcess = (await this.#ownMetrics.collect()).filter(({ name }) => name.startsWith('process_'));
    return [
      gauge('kvs_workers', 'Workers that take connections', [{ labels: {}, value: this.#readyCount() }]),
      counter('kvs_worker_restarts_total', 'Workers that were replaced', [
        { labels: {}, value: this.#restarts },
      ]),
      ...ownProcess,
    ];
  }
}

function nameOf({ number, pid }: WorkerProcess): string {
  return `worker ${number} (pid ${pid})`;
}
