import type { KeyId } from '@kvs/protocol';
import { KvsError } from '@kvs/protocol';
import type { EngineFactory, EngineFactoryOptions, StorageEngine } from '../../index.js';
import type { EngineDelete, EngineEntry, EngineWrite, PlacedKey } from '../../index.js';
import { conditionHolds, isExpired, nextVersion, ScanChunkBuilder } from '../../index.js';

/** Keeps pairs in a map for each partition: slow and unbounded, and all that the contract asks for. */
export class MapEngine implements StorageEngine {
  readonly name = 'map';
  readonly capabilities = {};
  readonly #partitions = new Map<number, Map<KeyId, EngineEntry>>();
  #versionFloor = 0; // no version that ever left is higher
  #isClosed = false;

  constructor(private readonly options: EngineFactoryOptions) {}

  getMany(keys: readonly PlacedKey[]) {
    return this.#each(keys, (key) => {
      const entry = this.#find(key);
      return entry ? ({ status: 'found', ...entry } as const) : ({ status: 'absent' } as const);
    });
  }

  hasMany(keys: readonly PlacedKey[]) {
    return this.#each(keys, (key) => ({ status: this.#find(key) ? 'present' : 'absent' }) as const);
  }

  setMany(writes: readonly EngineWrite[]) {
    return this.#each(writes, ({ value: { ...value }, expiresAtMs, ifVersion, ...key }) => {
      const actualVersion = this.#find(key)?.version ?? 0;
      if (!conditionHolds(ifVersion, actualVersion))
        return { status: 'version_mismatch', actualVersion } as const;
      const version = nextVersion(actualVersion || this.#versionFloor, this.options.clock.nowMicros());
      this.#pairsOf(key.partition).set(key.id, { value, version, expiresAtMs });
      return { status: 'written', version } as const;
    });
  }

  deleteMany(deletes: readonly EngineDelete[]) {
    return this.#each(deletes, ({ ifVersion, ...key }) => {
      const actualVersion = this.#find(key)?.version ?? 0;
      if (!conditionHolds(ifVersion, actualVersion))
        return { status: 'version_mismatch', actualVersion } as const;
      return { status: this.#remove(key) ? 'deleted' : 'absent' } as const;
    });
  }

  async *scan(partitions: readonly number[], { idPrefix = '' } = {}) {
    this.#assertOpen();
    for (const partition of partitions) {
      await new Promise(setImmediate); // others have their turn
      this.#assertOpen();
      const ids = [...this.#pairsOf(partition).keys()].filter((id) => id.startsWith(idPrefix));
      for (let next = 0; next < ids.length;) {
        const chunk = new ScanChunkBuilder();
        for (const id of ids.slice(next)) {
          if (chunk.isFull) break;
          const entry = this.#find({ id, partition });
          if (entry) chunk.add({ id, ...entry });
          next++;
        }
        if (chunk.pairs.length > 0) yield { partition, pairs: chunk.pairs };
        await new Promise(setImmediate);
        this.#assertOpen();
      }
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

  #each<T, R>(items: readonly T[], apply: (item: T) => R): R[] {
    this.#assertOpen();
    return items.map(apply);
  }

  #find(key: PlacedKey): EngineEntry | undefined {
    const entry = this.#pairsOf(key.partition).get(key.id);
    if (!entry || !isExpired(entry.expiresAtMs, this.options.clock.nowMicros())) return entry;
    this.#remove(key);
    return undefined;
  }

  #remove({ id, partition }: PlacedKey): boolean {
    const pairs = this.#pairsOf(partition);
    this.#versionFloor = Math.max(this.#versionFloor, pairs.get(id)?.version ?? 0);
    return pairs.delete(id);
  }

  #pairsOf(partition: number): Map<KeyId, EngineEntry> {
    const pairs = this.#partitions.get(partition) ?? new Map<KeyId, EngineEntry>();
    this.#partitions.set(partition, pairs);
    return pairs;
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new KvsError('engine_unavailable', 'the map engine is closed');
  }
}

export const mapEngine: EngineFactory = (options) => new MapEngine(options);
