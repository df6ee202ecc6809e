import { KvsError } from '@kvs/protocol';
import type {
  EngineChunk,
  EngineDelete,
  EngineScanOptions,
  EngineWrite,
  EngineKey,
  StorageEngine,
} from './storage-engine.js';

/** An engine that is still opening. Until it is open, every operation fails with `not_ready`. */
export class OpeningEngine implements StorageEngine {
  #engine: StorageEngine | undefined;
  readonly #settled: Promise<void>;

  /**
   * @param opening resolves with the engine when it is open
   * @param failed called with the reason if the engine can't be opened
   */
  constructor(
    readonly name: string,
    readonly capabilities: StorageEngine['capabilities'],
    opening: Promise<StorageEngine>,
    failed: (error: unknown) => void,
  ) {
    this.#settled = opening.then((engine) => {
      this.#engine = engine;
    }, failed);
  }

  /** Whether the engine is open. */
  get isOpen(): boolean {
    return this.#engine !== undefined;
  }

  getMany(keys: readonly EngineKey[], maxBytes?: number) {
    return this.#opened().getMany(keys, maxBytes);
  }

  hasMany(keys: readonly EngineKey[]) {
    return this.#opened().hasMany(keys);
  }

  setMany(writes: readonly EngineWrite[]) {
    return this.#opened().setMany(writes);
  }

  deleteMany(deletes: readonly EngineDelete[]) {
    return this.#opened().deleteMany(deletes);
  }

  async *scan(
    partitions: readonly number[],
    options?: EngineScanOptions,
  ): AsyncGenerator<EngineChunk, void, undefined> {
    yield* this.#opened().scan(partitions, options);
  }

  /** The `scanJson` of the engine, or undefined if the engine has none or is not open. */
  get scanJson(): StorageEngine['scanJson'] {
    const engine = this.#engine;
    return engine?.scanJson?.bind(engine);
  }

  /** The replication of the engine, or undefined if the engine has none or is not open. */
  get replication(): StorageEngine['replication'] {
    return this.#engine?.replication;
  }

  obstacle() {
    return this.#engine?.obstacle?.();
  }

  stats() {
    return this.#opened().stats();
  }

  /** Waits until the engine is open, and closes it. */
  async close(): Promise<void> {
    await this.#settled;
    await this.#engine?.close();
  }

  #opened(): StorageEngine {
    if (this.#engine === undefined)
      throw new KvsError('not_ready', `the ${this.name} engine is being opened`);
    return this.#engine;
  }
}
