import type { KeyId } from '@kvs/protocol';
import { KvsError } from '@kvs/protocol';
import type { EngineDelete, EngineEntry, EngineWrite, PlacedKey } from '../../index.js';
import type { EngineFactory, EngineFactoryOptions, StorageEngine } from '../../index.js';
import { conditionHolds, inChunks, isExpired, nextVersion } from '../../index.js';

/** Keeps pairs in a map for each partition: unbounded, and all that the contract asks for. */
class MapEngine implements StorageEngine {
  readonly name = 'map';
  readonly capabilities = {};
  readonly #partitions = new Map<number, Map<KeyId, EngineEntry>>();
  #highestVersion = 0;
  #isClosed = false;

  constructor(private readonly options: EngineFactoryOptions) {}

  getMany(keys: readonly PlacedKey[]) {
    return this.#each(keys, (_key, entry) =>
      entry ? ({ status: 'found', ...entry } as const) : ({ status: 'absent' } as const),
    );
  }

  hasMany(keys: readonly PlacedKey[]) {
    return this.#each(keys, (_key, entry) => ({ status: entry ? 'present' : 'absent' }) as const);
  }

  setMany(writes: readonly EngineWrite[]) {
    return this.#change(writes, ({ id, partition, value, expiresAtMs }) => {
      const version = nextVersion(this.#highestVersion, this.options.clock.nowMicros());
      this.#highestVersion = version;
      this.#pairsOf(partition).set(id, { value: { ...value }, version, expiresAtMs });
      return { status: 'written', version } as const;
    });
  }

  deleteMany(deletes: readonly EngineDelete[]) {
    return this.#change(deletes, ({ id, partition }) => {
      return { status: this.#pairsOf(partition).delete(id) ? 'deleted' : 'absent' } as const;
    });
  }

  async *scan(partitions: readonly number[], { idPrefix = '' } = {}) {
    this.#assertOpen();
    for (const partition of partitions) {
      const ids = [...this.#pairsOf(partition).keys()].filter((id) => id.startsWith(idPrefix));
      yield* inChunks(partition, ids, (id) => this.#find({ id, partition }));
    }
  }

  stats() {
    this.#assertOpen();
    const sizes = Array.from(this.#partitions.values(), ({ size }) => size).filter((size) => size > 0);
    return { pairCount: sizes.reduce((sum, size) => sum + size, 0), partitionCount: sizes.length };
  }

  close(): void {
    this.#isClosed = true;
    this.#partitions.clear();
  }

  #each<I extends PlacedKey, R>(items: readonly I[], apply: (item: I, entry?: EngineEntry) => R): R[] {
    this.#assertOpen();
    return items.map((item) => apply(item, this.#find(item)));
  }

  #change<I extends EngineDelete, R>(items: readonly I[], change: (item: I) => R) {
    return this.#each(items, (item, entry) => {
      const actualVersion = entry?.version ?? 0;
      if (conditionHolds(item.ifVersion, actualVersion)) return change(item);
      return { status: 'version_mismatch', actualVersion } as const;
    });
  }

  #find({ id, partition }: PlacedKey): EngineEntry | undefined {
    const pairs = this.#pairsOf(partition);
    if (isExpired(pairs.get(id)?.expiresAtMs, this.options.clock.nowMicros())) pairs.delete(id);
    return pairs.get(id);
  }

  #pairsOf(partition: number): Map<KeyId, EngineEntry> {
    this.#assertOpen();
    const pairs = this.#partitions.get(partition) ?? new Map<KeyId, EngineEntry>();
    this.#partitions.set(partition, pairs);
    return pairs;
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new KvsError('engine_unavailable', 'the map engine is closed');
  }
}

export const mapEngine: EngineFactory = (options) => new MapEngine(options);
