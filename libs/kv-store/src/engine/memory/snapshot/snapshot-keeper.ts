import { mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { isRecord, messageOf, type CancelTask, type Scheduler } from '@kvs/protocol';
import { systemClock, type Clock } from '../../../clock.js';
import { DirectoryLock } from '../../../directory-lock.js';
import type { PairStore } from '../pair-store.js';
import { SnapshotError, type SnapshotOptions } from './snapshot-options.js';
import { PAGE_BYTES, SLOT_SIZES } from '../slab/size-classes.js';
import { readSnapshot } from './snapshot-reader.js';
import { writeSnapshot } from './snapshot-writer.js';

export const SNAPSHOT_FILE = 'kvs.snapshot';

/** Loads the snapshot of a store, and writes it at intervals and at the end. */
export class SnapshotKeeper {
  /** Since the engine was opened. */
  readonly counts = { written: 0, failed: 0 };
  readonly #path: string;
  #cancel: CancelTask | undefined;
  #writing: Promise<void> = Promise.resolve();
  #isClosed = false;

  readonly #store: PairStore;
  readonly #options: Required<SnapshotOptions>;
  readonly #clock: Clock;
  readonly #scheduler: Scheduler;
  readonly #lock: DirectoryLock;

  private constructor(
    store: PairStore,
    options: Required<SnapshotOptions>,
    clock: Clock,
    scheduler: Scheduler,
    lock: DirectoryLock,
  ) {
    this.#store = store;
    this.#options = options;
    this.#clock = clock;
    this.#scheduler = scheduler;
    this.#lock = lock;
    this.#path = snapshotPath(options);
  }

  /**
   * @throws SnapshotError
   * @throws KvsError `engine_unavailable`: the directory is in use
   */
  static async open(
    store: PairStore,
    options: SnapshotOptions,
    clock: Clock,
    scheduler: Scheduler,
  ): Promise<SnapshotKeeper> {
    const { directory, onLost = () => undefined, lockClock = systemClock } = options;
    const complete = {
      intervalMs: 0,
      damaged: 'refuse',
      log: SILENT,
      ...options,
      onLost,
      lockClock,
    } as const;
    const lock = await named(snapshotPath(options), () =>
      DirectoryLock.acquire(directory, { clock: lockClock, scheduler, onLost }),
    );
    const keeper = new SnapshotKeeper(store, complete, clock, scheduler, lock);
    try {
      await keeper.#load();
    } catch (error) {
      await lock.release();
      throw error;
    }
    keeper.#schedule();
    return keeper;
  }

  /** Writes the last snapshot. The store must not change any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancel?.();
    await this.#writing;
    try {
      await this.#write();
    } finally {
      await this.#lock.release();
    }
  }

  async #load(): Promise<void> {
    const { log } = this.#options;
    const { budget } = this.#store;
    let lastTenth = 0;
    budget.allowanceBytes = LOADING_BYTES;
    try {
      const pairCount = await named(this.#path, () =>
        readSnapshot(this.#store, this.#path, (share) => {
          const tenth = Math.floor(share * 10);
          if (tenth > lastTenth && tenth < 10)
            log.info(`loading the snapshot ${this.#path}: ${tenth * 10} %`);
          lastTenth = tenth;
        }),
      );
      if (pairCount !== undefined) this.#noteLoaded(pairCount);
    } catch (error) {
      if (!(error instanceof SnapshotError) || error.code !== 'damaged' || this.#options.damaged === 'refuse')
        throw error;
      const aside = await named(this.#path, () => this.#setAside());
      log.warn(`${error.message}; it is ignored, and kept as ${aside}`);
    } finally {
      budget.allowanceBytes = 0;
    }
  }

  /** @param pairCount how many pairs the snapshot has. An engine that evicts may have evicted some of them to load others */
  #noteLoaded(pairCount: number): void {
    const { log } = this.#options;
    const { budget, pairCount: loaded } = this.#store;
    log.info(`loaded ${loaded} pairs from the snapshot ${this.#path}`);
    if (loaded < pairCount)
      log.warn(
        `${pairCount - loaded} pairs of the snapshot ${this.#path} were evicted, because it holds more than the memory limit of ` +
          `${budget.maxBytes} bytes; the next snapshot will not have them`,
      );
  }

  /** Renames the snapshot to a name that is free; returns that. No other process uses the directory. */
  async #setAside(): Promise<string> {
    const taken = new Set(await readdir(this.#options.directory));
    let name = `${SNAPSHOT_FILE}.damaged`;
    for (let count = 2; taken.has(name); count++) name = `${SNAPSHOT_FILE}.damaged.${count}`;
    const aside = join(this.#options.directory, name);
    await rename(this.#path, aside);
    return aside;
  }

  #schedule(): void {
    const { intervalMs, log } = this.#options;
    if (intervalMs === 0 || this.#isClosed || this.#lock.loss) return;
    this.#cancel = this.#scheduler.after(intervalMs, () => {
      this.#writing = this.#write()
        .catch((error: unknown) => log.error(messageOf(error)))
        .then(() => this.#schedule());
    });
  }

  async #write(): Promise<void> {
    try {
      const pairCount = await named(this.#path, () => this.#writeFile());
      this.counts.written++;
      this.#options.log.info(`wrote ${pairCount} pairs to the snapshot ${this.#path}`);
    } catch (error) {
      this.counts.failed++;
      throw error;
    }
  }

  async #writeFile(): Promise<number> {
    this.#lock.assertHeld();
    await mkdir(this.#options.directory, { recursive: true });
    return this.#lock.publish(SNAPSHOT_FILE, (file) => writeSnapshot(this.#store, this.#clock, file));
  }
}

function snapshotPath({ directory }: SnapshotOptions): string {
  return join(directory, SNAPSHOT_FILE);
}

/** Turns an error of the operating system into a SnapshotError, which names the file. */
async function named<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isRecord(error) || !('syscall' in error)) throw error;
    throw new SnapshotError('io', path, `cannot be read or written: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * The same pairs may need one more page of each slot size if they are loaded in another order. So a full store gets
 * this much more while it loads its own snapshot. Afterwards it stores nothing more until pairs are removed.
 */
const LOADING_BYTES = SLOT_SIZES.length * PAGE_BYTES;

const SILENT = Object.freeze({ info: () => undefined, warn: () => undefined, error: () => undefined });
