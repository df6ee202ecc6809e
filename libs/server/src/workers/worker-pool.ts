import { messageOf } from '@kvs/protocol';
import { exposition } from '../metrics/exposition.js';
import { counter, gauge, type MetricFamily } from '../metrics/metric-family.js';
import { ProcessMetrics } from '../metrics/process-metrics.js';
import type { Logger } from '../logs/logger.js';
import { StartError } from '../command-line/start-error.js';
import type { ConnectionBalancer } from './connection-balancer.js';
import { RestartPause } from './restart-pause.js';
import { WorkerMetrics } from './worker-metrics.js';
import { WorkerProcess, type AcceptedConnection, type WorkerEvents } from './worker-process.js';

/** How long a worker may take to report its metrics; then its last report is shown again. */
const METRICS_TIMEOUT_MS = 1_000;

export interface WorkerPoolEvents {
  /** No worker is left that accepts connections. */
  readonly onAllEnded: () => void;
  /** After that, the first worker accepts connections. */
  readonly onServingAgain: () => void;
}

/** A fixed number of workers. Each is replaced when it ends, until all are stopped. */
export class WorkerPool implements WorkerEvents {
  /** Resolves when all workers accept connections; rejects with {@link StartError} if one ends before that. */
  readonly started: Promise<void>;
  readonly #workers = new Set<WorkerProcess>();
  readonly #pauses: readonly RestartPause[];
  readonly #restarting = new Set<NodeJS.Timeout>();
  readonly #metrics = new WorkerMetrics<WorkerProcess>();
  readonly #primaryMetrics = new ProcessMetrics();
  #restarts = 0;
  #phase: 'starting' | 'serving' | 'stopping' = 'starting';
  #onStarted: () => void = () => undefined;
  #onFailed: (error: StartError) => void = () => undefined;
  #onEmpty: () => void = () => undefined;

  readonly #size: number;
  readonly #balancer: ConnectionBalancer<AcceptedConnection>;
  readonly #logger: Logger;
  readonly #events: WorkerPoolEvents;

  constructor(
    size: number,
    balancer: ConnectionBalancer<AcceptedConnection>,
    logger: Logger,
    events: WorkerPoolEvents,
  ) {
    this.#size = size;
    this.#balancer = balancer;
    this.#logger = logger;
    this.#events = events;

    this.#pauses = Array.from({ length: size }, () => new RestartPause());
    this.started = new Promise((resolve, reject) => {
      this.#onStarted = resolve;
      this.#onFailed = reject;
    });
    for (let number = 1; number <= size; number++) this.#start(number);
  }

  /** Asks all workers to end and resolves when they have. Kills those that have not ended after `timeoutMs`. */
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
        this.#logger.warn(fieldsOf(worker), `${nameOf(worker)} does not end: killed`);
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

  onReady(worker: WorkerProcess): void {
    if (this.#phase === 'stopping') return worker.stop('shutting down');
    this.#balancer.free(worker);
    this.#logger.info(fieldsOf(worker), `${nameOf(worker)} accepts connections`);
    const readyCount = this.#ready().length;
    if (this.#phase === 'serving') {
      if (readyCount === 1) this.#events.onServingAgain();
    } else if (readyCount === this.#size) {
      this.#phase = 'serving';
      this.#onStarted();
    }
  }

  onAccepted(worker: WorkerProcess): void {
    this.#balancer.free(worker);
  }

  onUndelivered(worker: WorkerProcess, connection: AcceptedConnection): void {
    this.#balancer.remove(worker);
    // If the process still runs, it is of no use, and its end replaces it.
    worker.stop('no connection reaches it');
    this.#balancer.assign(connection);
  }

  onPageWanted(worker: WorkerProcess, id: number): void {
    this.#page().then(
      (page) => worker.answerPage(id, page),
      (error: unknown) => {
        this.#logger.error(error, 'cannot merge the metrics of the workers');
        worker.answerPage(id, null);
      },
    );
  }

  onEnded(worker: WorkerProcess, reason: string): void {
    this.#workers.delete(worker);
    this.#balancer.remove(worker);
    this.#metrics.retire(worker).catch((error: unknown) => {
      this.#logger.error(error, 'cannot keep the metrics of a worker that ended');
    });
    if (this.#phase === 'stopping') {
      if (this.#workers.size === 0) this.#onEmpty();
      return;
    }
    if (this.#phase === 'starting') {
      this.#onFailed(new StartError(`${nameOf(worker)} ended before it accepted connections: ${reason}`));
      return;
    }
    const end = `${nameOf(worker)} ended: ${reason}`;
    this.#replace(worker.number, worker.ageMs, { ...fieldsOf(worker), reason }, end);
    if (worker.isReady && this.#ready().length === 0) this.#events.onAllEnded();
  }

  #replace(number: number, ageMs: number, details: object, why: string): void {
    const pauseMs = this.#pauses[number - 1]?.next(ageMs) ?? 0;
    const when = pauseMs === 0 ? 'at once' : `in ${pauseMs} ms`;
    this.#logger.error(details, `${why}; it is replaced ${when}`);
    const timer = setTimeout(() => {
      this.#restarting.delete(timer);
      this.#restarts++;
      try {
        this.#start(number);
      } catch (error) {
        // For lack of memory, for example, which ends no worker that serves.
        this.#replace(number, 0, { worker: number }, `worker ${number} can't start: ${messageOf(error)}`);
      }
    }, pauseMs);
    this.#restarting.add(timer);
  }

  #start(number: number): void {
    this.#workers.add(new WorkerProcess(number, this));
  }

  #ready(): WorkerProcess[] {
    return [...this.#workers].filter(({ isReady }) => isReady);
  }

  async #page(): Promise<string> {
    await Promise.all(
      this.#ready().map(async (worker) => {
        const families = await worker.askMetrics(METRICS_TIMEOUT_MS);
        if (families && this.#workers.has(worker)) this.#metrics.update(worker, families);
      }),
    );
    return exposition([await this.#ownMetrics(), ...this.#metrics.all()]);
  }

  /** The event loop and the heap of the primary process are left out, because they tell nothing of how requests are served. */
  async #ownMetrics(): Promise<MetricFamily[]> {
    const process = (await this.#primaryMetrics.collect()).filter(({ name }) => name.startsWith('process_'));
    return [
      gauge('kvs_workers', 'Workers that accept connections', this.#ready().length),
      counter('kvs_worker_restarts_total', 'Workers that were replaced', this.#restarts),
      ...process,
    ];
  }
}

function nameOf({ number, pid }: WorkerProcess): string {
  return `worker ${number} (pid ${pid})`;
}

function fieldsOf({ number, pid }: WorkerProcess): object {
  return { worker: number, workerPid: pid };
}
