import type {
  EngineChunk,
  EngineDelete,
  EngineScanOptions,
  EngineWrite,
  PlacedKey,
  StorageEngine,
} from '@kvs/kv-store';
import { KvsError } from '@kvs/protocol';

/** An engine that takes its time to open: until then, every operation fails with `not_ready`. */
export class OpeningEngine implements StorageEngine {
  #engine: StorageEngine | undefined;
  readonly #settled: Promise<void>;

  /** @param failed told why, when it cannot be opened */
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

  get isOpen(): boolean {
    return this.#engine !== undefined;
  }

  getMany(keys: readonly PlacedKey[], maxBytes?: number) {
    return this.#opened().getMany(keys, maxBytes);
  }

  hasMany(keys: readonly PlacedKey[]) {
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

  /** As the engine has it, once it is open. */
  get scanJson(): StorageEngine['scanJson'] {
    const engine = this.#engine;
    return engine?.scanJson?.bind(engine);
  }

  obstacle() {
    return this.#engine?.obstacle?.();
  }

  stats() {
    return this.#opened().stats();
  }

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
