import { KvsError, type KeyId } from '@kvs/protocol';
import {
  conditionHolds,
  inChunks,
  isExpired,
  nextVersion,
  readEach,
  type EngineDelete,
  type EngineEntry,
  type EngineWrite,
  type EngineKey,
  type Clock,
  type EngineFactory,
  type StorageEngine,
} from '../../index.js';

/** Keeps pairs in a map for each partition. It is unbounded and does only what the contract requires. */
class MapEngine implements StorageEngine {
  readonly name = 'map';
  readonly capabilities = {};
  #partitions: Map<number, Map<KeyId, EngineEntry>> | undefined = new Map();
  #version = 0;

  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  getMany(keys: readonly EngineKey[], maxBytes = Infinity) {
    this.#open();
    return readEach(keys, maxBytes, (key) => {
      const entry = this.#find(key);
      return entry ? { status: 'found', ...entry } : { status: 'absent' };
    });
  }

  hasMany(keys: readonly EngineKey[]) {
    return this.#each(keys, (_key, entry) => ({ status: entry ? 'present' : 'absent' }) as const);
  }

  setMany(writes: readonly EngineWrite[]) {
    return this.#each(writes, ({ id, partition, value, expiresAtMs, ifVersion }, entry) => {
      if (!conditionHolds(ifVersion, entry?.version ?? 0)) return mismatch(entry);
      const version = (this.#version = nextVersion(this.#version, this.#clock.nowMicros()));
      this.#pairsOf(partition).set(id, { value: { ...value }, version, expiresAtMs });
      return { status: 'written', version, created: entry === undefined } as const;
    });
  }

  deleteMany(deletes: readonly EngineDelete[]) {
    return this.#each(deletes, ({ id, partition, ifVersion }, entry) => {
      if (!conditionHolds(ifVersion, entry?.version ?? 0)) return mismatch(entry);
      return { status: this.#pairsOf(partition).delete(id) ? 'deleted' : 'absent' } as const;
    });
  }

  async *scan(partitions: readonly number[], { idPrefix = '' } = {}) {
    this.#open();
    for (const partition of partitions) {
      const ids = [...this.#pairsOf(partition).keys()].filter((id) => id.startsWith(idPrefix));
      yield* inChunks(partition, ids, (id) => this.#find({ id, partition }));
    }
  }

  stats() {
    const sizes = Array.from(this.#open().values(), ({ size }) => size).filter((size) => size > 0);
    return { pairCount: sizes.reduce((sum, size) => sum + size, 0), partitionCount: sizes.length };
  }

  close(): void {
    this.#partitions = undefined;
  }

  #each<I extends EngineKey, R>(items: readonly I[], apply: (item: I, entry?: EngineEntry) => R): R[] {
    this.#open();
    return items.map((item) => apply(item, this.#find(item)));
  }

  #find({ id, partition }: EngineKey): EngineEntry | undefined {
    const pairs = this.#pairsOf(partition);
    if (isExpired(pairs.get(id)?.expiresAtMs, this.#clock.nowMicros())) pairs.delete(id);
    return pairs.get(id);
  }

  #pairsOf(partition: number): Map<KeyId, EngineEntry> {
    const pairs = this.#open().get(partition) ?? new Map<KeyId, EngineEntry>();
    this.#open().set(partition, pairs);
    return pairs;
  }

  #open(): Map<number, Map<KeyId, EngineEntry>> {
    if (this.#partitions) return this.#partitions;
    throw new KvsError('engine_unavailable', 'the map engine is closed');
  }
}

const mismatch = (entry: EngineEntry | undefined) =>
  ({ status: 'version_mismatch', actualVersion: entry?.version ?? 0 }) as const;

export const mapEngine: EngineFactory = ({ clock }) => new MapEngine(clock);
