import { messageOf } from '@kvs/protocol';
import type { Readiness } from '@kvs/http-api';
import {
  MemoryEngine,
  memoryForPairs,
  readMemoryLimits,
  type EngineFactory,
  type EngineFactoryOptions,
  type SnapshotLog,
  type SnapshotOptions,
  type StorageEngine,
} from '@kvs/kv-store';
import type { EngineConfig, MemoryConfig } from './engine-config.js';
import { optionalEngine } from './optional-engine.js';

/** Opens the chosen engine and tells whether it can serve. */
export class EngineProvider implements Readiness {
  /** Resolves when the engine is open; never if it can't be opened. */
  readonly opened: Promise<StorageEngine>;
  #resolveOpened: (engine: StorageEngine) => void = () => undefined;
  #isLoading = false;
  #engine: StorageEngine | undefined;
  #obstacle: string | undefined;
  #checkTimer: NodeJS.Timeout | undefined;
  /** Set once it is open, if it is the chosen one. */
  #memoryEngine: MemoryEngine | undefined;

  readonly #config: EngineConfig;
  readonly #log: SnapshotLog;
  readonly #failed: (error: unknown) => void;

  /**
   * @param failed called with the reason if the engine can't be opened while the node already listens, or if another process
   * has taken over the engine's directory
   */
  constructor(config: EngineConfig, log: SnapshotLog, failed: (error: unknown) => void) {
    this.#config = config;
    this.#log = log;
    this.#failed = failed;
    this.opened = new Promise((resolve) => (this.#resolveOpened = resolve));
  }

  readonly open: EngineFactory = async (options) => {
    this.#engine = await this.#open(options);
    if (!this.#isLoading) this.#resolveOpened(this.#engine);
    await this.check();
    // The log tells of an engine that fails even if nobody asks for the node's health.
    this.#checkTimer = setInterval(() => void this.check(), CHECK_INTERVAL_MS).unref();
    return this.#engine;
  };

  /** The memory that pairs take, as far as the engine knows it, and may take; `maxBytes` is 0 for no limit. */
  get memory(): { readonly maxBytes: number; readonly usedBytes?: number; readonly evicts: boolean } {
    const engine = this.#memoryEngine;
    if (engine === undefined) return { maxBytes: 0, evicts: false };
    const { maxMemoryBytes, usedBytes, capabilities } = engine;
    return { maxBytes: maxMemoryBytes, usedBytes, evicts: capabilities.evicts };
  }

  /** Ends the checks. Call it before the engine is closed. */
  stopChecks(): void {
    clearInterval(this.#checkTimer);
  }

  async check(): Promise<string | undefined> {
    if (this.#isLoading) return 'the snapshot is being loaded';
    const obstacle = await this.#obstacleNow();
    if (obstacle !== undefined && obstacle !== this.#obstacle)
      this.#log.error(`the engine cannot serve: ${obstacle}`);
    if (obstacle === undefined && this.#obstacle !== undefined) this.#log.info('the engine can serve again');
    this.#obstacle = obstacle;
    return obstacle;
  }

  async #obstacleNow(): Promise<string | undefined> {
    try {
      return await this.#engine?.obstacle?.();
    } catch (error) {
      return `its check failed: ${messageOf(error)}`;
    }
  }

  async #open(options: EngineFactoryOptions): Promise<StorageEngine> {
    const config = this.#config;
    switch (config.engine) {
      case 'memory':
        return this.#openMemory(config, options);
      case 'lmdb': {
        const { directory, durability } = config;
        const settings = { directory, durability, onLost: this.#failed };
        return (await optionalEngine('@kvs/kv-store-lmdb', 'lmdbEngine', settings))(options);
      }
      case 'redis': {
        const { urls, prefix, waitReplicas } = config;
        const settings = { urls, prefix, waitReplicas, log: this.#log };
        return (await optionalEngine('@kvs/kv-store-redis', 'redisEngine', settings))(options);
      }
    }
  }

  /** Opens the engine. With snapshots, it is not ready until the snapshot is loaded. */
  #openMemory(config: MemoryConfig, { clock }: EngineFactoryOptions): StorageEngine {
    const { maxMemoryBytes, eviction } = config;
    const options = { clock, eviction, ...(maxMemoryBytes !== undefined && { maxMemoryBytes }) };
    const snapshot = this.#snapshotOptions(config);
    if (snapshot === undefined) {
      const engine = new MemoryEngine(options);
      this.#noteLimit(config, engine);
      return engine;
    }
    this.#isLoading = true;
    const { engine, opened } = MemoryEngine.opening({ ...options, snapshot });
    opened
      .then(() => {
        this.#isLoading = false;
        this.#noteLimit(config, engine);
        this.#resolveOpened(engine);
      })
      .catch(this.#failed);
    return engine;
  }

  #snapshotOptions(config: MemoryConfig): SnapshotOptions | undefined {
    const { snapshotDirectory, snapshotIntervalSeconds, damagedSnapshot } = config;
    if (snapshotDirectory === undefined) return undefined;
    return {
      directory: snapshotDirectory,
      intervalMs: snapshotIntervalSeconds * 1000,
      damaged: damagedSnapshot,
      log: this.#log,
      onLost: this.#failed,
    };
  }

  #noteLimit({ maxMemoryBytes, eviction }: MemoryConfig, engine: MemoryEngine): void {
    this.#memoryEngine = engine;
    const chosen =
      maxMemoryBytes === undefined
        ? ', chosen by the memory and the heap limit of the process (--max-memory sets another)'
        : '';
    this.#log.info(
      `pairs may take ${megabytes(engine.maxMemoryBytes)} of memory${chosen}; eviction: ${eviction}`,
    );
    const limits = readMemoryLimits();
    if (engine.maxMemoryBytes <= memoryForPairs(limits)) return;
    const memory = megabytes(Math.min(limits.machineBytes, limits.cgroupBytes));
    this.#log.warn(
      `pairs may take ${megabytes(engine.maxMemoryBytes)}, but the node has ${memory} of memory and needs some for itself: ` +
        'the operating system may kill it when it is full',
    );
  }
}

function megabytes(bytes: number): string {
  return `${Math.floor(bytes / 1024 ** 2)} MB`;
}

const CHECK_INTERVAL_MS = 5000;
