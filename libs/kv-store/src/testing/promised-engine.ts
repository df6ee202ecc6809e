import { setImmediate } from 'node:timers/promises';
import type {
  EngineChunk,
  EngineDelete,
  EngineScanOptions,
  EngineWrite,
  EngineKey,
  StorageEngine,
} from '../engine/storage-engine.js';
import { later, PromisedReplication } from './promised-replication.js';

/**
 * Returns an engine that answers by promise, one turn of the event loop later, to test that callers also work with an
 * engine behind a network.
 */
export class PromisedEngine implements StorageEngine {
  readonly name: string;
  readonly capabilities: StorageEngine['capabilities'];
  readonly replication?: PromisedReplication;

  readonly #engine: StorageEngine;

  constructor(engine: StorageEngine) {
    this.#engine = engine;
    this.name = engine.name;
    this.capabilities = engine.capabilities;
    if (engine.replication !== undefined) this.replication = new PromisedReplication(engine.replication);
  }

  getMany(keys: readonly EngineKey[], maxBytes?: number) {
    return later(() => this.#engine.getMany(keys, maxBytes));
  }

  hasMany(keys: readonly EngineKey[]) {
    return later(() => this.#engine.hasMany(keys));
  }

  setMany(writes: readonly EngineWrite[]) {
    return later(() => this.#engine.setMany(writes));
  }

  deleteMany(deletes: readonly EngineDelete[]) {
    return later(() => this.#engine.deleteMany(deletes));
  }

  async *scan(
    partitions: readonly number[],
    options?: EngineScanOptions,
  ): AsyncGenerator<EngineChunk, void, undefined> {
    for await (const chunk of this.#engine.scan(partitions, options)) {
      await setImmediate();
      yield chunk;
    }
  }

  stats() {
    return later(() => this.#engine.stats());
  }

  close() {
    return later(() => this.#engine.close());
  }
}
