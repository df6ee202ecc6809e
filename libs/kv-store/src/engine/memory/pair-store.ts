import { PARTITION_COUNT, type KeyId } from '@kvs/protocol';
import { conditionHolds, isExpired, nextVersion } from '../rules.js';
import type {
  EngineDelete,
  EngineDeleteOutcome,
  EnginePair,
  EngineReadOutcome,
  EngineWrite,
  EngineWriteOutcome,
  EngineKey,
} from '../engine-data.js';
import { Allocator, type LargeRoom, type Slot } from './allocator.js';
import { firstInSmallTable } from './bucket-table.js';
import { createPolicy } from './eviction/create-policy.js';
import type { Eviction, EvictionPolicy } from './eviction/eviction-policy.js';
import type { HashKey } from './half-sip-hash.js';
import { KeyBuffer } from './key-buffer.js';
import { MemoryBudget } from './memory-budget.js';
import { MemoryPartition, type SmallTables } from './memory-partition.js';
import { valueBytesOf } from './record-data.js';
import { Records } from './records.js';
import { MAX_SLOT_BYTES } from './slab/size-classes.js';
import { SlabArena } from './slab/slab-arena.js';
import { slotsFor } from './slab/chunk-layout.js';

/** Receives changes while a partition is copied. */
export interface ChangeObserver {
  /**
   * A pair is about to change.
   * @param ref the present pair, 0 if the key is absent
   */
  changing(partition: MemoryPartition, hash: number, ref: number, id: () => KeyId): void;
}

/** Removes expired pairs. */
export interface Sweep {
  /** A pair is about to be written that expires then. */
  wake(expiresAtMs: number): void;
  /**
   * Removes some expired pairs at once, after examining at most `maxExamined` pairs.
   * @returns whether anything was removed
   */
  reclaim(nowMicros: number, maxExamined: number): boolean;
}

/** All pairs, by partition. Every method is atomic, because it runs to its end within one turn of the event loop. */
export class PairStore {
  readonly budget: MemoryBudget;
  records: Records;
  /** Set while a partition is copied over several turns of the event loop. */
  observer: ChangeObserver | undefined;
  /** Removes expired pairs; also before a pair is evicted or a write is refused, to free memory. */
  sweep: Sweep | undefined;
  /** The partitions that are being filled, or whose pairs are being removed. */
  readonly incomplete = new Set<number>();
  #arena: SlabArena;
  #policy: EvictionPolicy;
  #allocator: Allocator;
  readonly #key: KeyBuffer;
  /** A partition is created with its first write and then stays. */
  readonly #partitions: (MemoryPartition | undefined)[] = Array.from({ length: PARTITION_COUNT });
  /**
   * The highest version that each partition has ever had. One number stands for all keys: a key gets a version above it, and
   * so above each version that it had before, also if it was removed. The floors are not in the partitions, because a write
   * would touch more memory.
   */
  readonly #versionFloors = new Float64Array(PARTITION_COUNT);
  #smallTables: SmallTables = Array.from({ length: PARTITION_COUNT });
  readonly #eviction: Eviction;

  constructor(maxBytes: number, eviction: Eviction, hashKey: HashKey) {
    this.#eviction = eviction;
    this.budget = new MemoryBudget(maxBytes);
    this.#key = new KeyBuffer(hashKey);
    this.#arena = new SlabArena(this.budget, (from, to) => this.#moved(from, to));
    this.records = new Records(this.#arena, eviction !== 'none');
    this.#policy = createPolicy(eviction, this.records);
    this.#allocator = this.#newAllocator();
  }

  get(item: EngineKey, nowMicros: number): EngineReadOutcome | undefined {
    const ref = this.#find(item.id, item.partition, nowMicros);
    if (ref === 0) return undefined;
    this.#policy.used(ref);
    return {
      status: 'found',
      value: this.records.value(ref),
      version: this.records.version(ref),
      expiresAtMs: this.records.expiresAtMs(ref),
    };
  }

  has(item: EngineKey, nowMicros: number): boolean {
    const ref = this.#find(item.id, item.partition, nowMicros);
    if (ref !== 0) this.#policy.used(ref);
    return ref !== 0;
  }

  /** As {@link get}, but does not count as a use for eviction. */
  peek(item: EngineKey, nowMicros: number): EnginePair | undefined {
    const ref = this.#find(item.id, item.partition, nowMicros);
    return ref === 0 ? undefined : this.records.pair(ref, item.id);
  }

  write(item: EngineWrite, nowMicros: number): EngineWriteOutcome {
    if (item.expiresAtMs !== undefined) this.sweep?.wake(item.expiresAtMs);
    const found = this.#find(item.id, item.partition, nowMicros);
    const actualVersion = found === 0 ? 0 : this.records.version(found);
    if (!conditionHolds(item.ifVersion, actualVersion)) return { status: 'version_mismatch', actualVersion };
    const version = nextVersion(this.versionFloor(item.partition), nowMicros);
    return this.#store(item, item.partition, version, found, nowMicros)
      ? { status: 'written', version, created: found === 0 }
      : { status: 'out_of_memory' };
  }

  delete(item: EngineDelete, nowMicros: number): EngineDeleteOutcome {
    const ref = this.#find(item.id, item.partition, nowMicros);
    const actualVersion = ref === 0 ? 0 : this.records.version(ref);
    if (!conditionHolds(item.ifVersion, actualVersion)) return { status: 'version_mismatch', actualVersion };
    if (ref === 0) return { status: 'absent' };
    this.remove(this.#known(item.partition), ref);
    return { status: 'deleted' };
  }

  /**
   * Stores a pair with the version that it had elsewhere. Returns false if there is no room. Does not wake the sweep, which must
   * not remove pairs while a snapshot is loaded.
   */
  restore(pair: EnginePair & EngineKey): boolean {
    this.#key.encode(pair.id);
    return this.#store(pair, pair.partition, pair.version, 0, 0);
  }

  /**
   * As {@link restore}, but wakes the sweep, and replaces the pair with the same key. Returns false if there is no room; then that
   * pair is still there.
   */
  put(pair: EnginePair, partition: number, nowMicros: number): boolean {
    if (pair.expiresAtMs !== undefined) this.sweep?.wake(pair.expiresAtMs);
    const found = this.#find(pair.id, partition, nowMicros);
    return this.#store(pair, partition, pair.version, found, nowMicros);
  }

  /** Returns the highest version that the partition has had. Later ones are higher. */
  versionFloor(partition: number): number {
    return this.#versionFloors[partition] ?? 0;
  }

  raiseVersionFloor(partition: number, floor: number): void {
    this.#versionFloors[partition] = Math.max(this.versionFloor(partition), floor);
  }

  /** Returns whether `bytes` bytes are free. May move records together, a few at a time, but removes no pairs. */
  hasFree(bytes: number): boolean {
    return this.#allocator.hasFree(bytes);
  }

  /** Removes a pair. This may move other records, so the caller must look up their references again. */
  remove(partition: MemoryPartition, ref: number): void {
    this.#drop(partition, ref);
    this.#arena.tidy();
    partition.shrinkIfSparse();
  }

  partition(number: number): MemoryPartition | undefined {
    return this.#partitions[number];
  }

  *partitions(): Generator<MemoryPartition, void, undefined> {
    for (const partition of this.#partitions) if (partition !== undefined) yield partition;
  }

  get pairCount(): number {
    let count = 0;
    for (const { pairCount } of this.partitions()) count += pairCount;
    return count;
  }

  /** Removes everything, including version floors. */
  clear(): void {
    this.#partitions.fill(undefined);
    this.#versionFloors.fill(0);
    this.incomplete.clear();
    // A new one, because somebody may still work with a partition of before.
    this.#smallTables = Array.from({ length: PARTITION_COUNT });
    this.budget.charge(-this.budget.usedBytes);
    this.#arena = new SlabArena(this.budget, (from, to) => this.#moved(from, to));
    this.records = new Records(this.#arena, this.#eviction !== 'none');
    this.#policy = createPolicy(this.#eviction, this.records);
    this.#allocator = this.#newAllocator();
  }

  #newAllocator(): Allocator {
    return new Allocator(this.#arena, this.records, this.budget, {
      reclaim: (nowMicros) => this.#reclaim(nowMicros),
      victim: () => this.#policy.victim(),
      evict: (ref) => this.#evict(ref),
    });
  }

  #drop(partition: MemoryPartition, ref: number): void {
    this.observer?.changing(partition, this.records.hash(ref), ref, () => this.records.id(ref));
    partition.unlink(ref);
    this.#policy.removed(ref);
    this.#free(ref);
  }

  #free(ref: number): void {
    if (this.records.isLarge(ref)) this.records.chunks.free(ref);
    this.#arena.free(ref);
  }

  #evict(ref: number): void {
    const partition = this.#known(this.records.partition(ref));
    this.#drop(partition, ref);
    partition.shrinkIfSparse();
  }

  /** Returns the record of a key, 0 if it is absent. Reclaims it if it has expired. */
  #find(id: KeyId, number: number, nowMicros: number): number {
    const ref = this.#lookUp(number, this.#key.encode(id));
    if (ref === 0 || !isExpired(this.records.expiresAtMs(ref), nowMicros)) return ref;
    this.remove(this.#known(number), ref);
    return 0;
  }

  /** Returns the record of a key, also if it has expired; 0 if there is none. */
  #lookUp(number: number, key: KeyBuffer): number {
    const small = this.#smallTables[number];
    if (small === undefined) return this.#partitions[number]?.find(key) ?? 0;
    return this.records.find(firstInSmallTable(small, key.hash), key);
  }

  /**
   * Stores a pair. The key is the one that was encoded last.
   * @param found the key's record, 0 if it is absent
   * @returns false if there is no room; then nothing has changed
   */
  #store(
    pair: Pick<EngineWrite, 'id' | 'value' | 'expiresAtMs'>,
    number: number,
    version: number,
    found: number,
    nowMicros: number,
  ): boolean {
    const partition = this.#partitionFor(number, nowMicros);
    if (partition === undefined) return false;
    if (found === 0) this.#growTable(partition, nowMicros);
    const valueBytes = valueBytesOf(pair.value);
    const size = this.records.size(this.#key, valueBytes, pair.expiresAtMs);
    const fitsSlot = found !== 0 && size <= MAX_SLOT_BYTES && this.#arena.isSlotFor(found, size);
    const room = fitsSlot ? found : this.#roomFor(size, number, found, nowMicros);
    if (room === 'no room') return false;
    // Finding room may have moved the old record, or evicted it and given its slot to the new one.
    const old = fitsSlot || found === 0 ? found : this.#lookUp(number, this.#key);
    this.observer?.changing(partition, this.#key.hash, old, () => pair.id);
    const into = this.#slotIn(room, size, old);
    this.records.fill(into, this.#key, number, pair.value, valueBytes, version, pair.expiresAtMs);
    if (old === 0) {
      partition.link(into);
      this.#policy.added(into);
    } else {
      this.#policy.used(old);
      if (old !== into) this.#supersede(partition, old, into);
      this.#arena.tidy();
    }
    this.raiseVersionFloor(number, version);
    if (pair.expiresAtMs !== undefined)
      partition.earliestDeadlineMs = Math.min(partition.earliestDeadlineMs, pair.expiresAtMs);
    return true;
  }

  #roomFor(size: number, number: number, found: number, nowMicros: number): Slot | LargeRoom {
    if (size > MAX_SLOT_BYTES) {
      const overwritten = (): number => (found === 0 ? 0 : this.#lookUp(number, this.#key));
      return this.#allocator.reserveLarge(size, overwritten, nowMicros);
    }
    return this.#allocator.allocate(size, found, nowMicros);
  }

  /**
   * Returns the slot for a record, with the chunks that it needs and no others.
   * @param old the record that it overwrites, 0 if none
   */
  #slotIn(room: Exclude<Slot | LargeRoom, 'no room'>, size: number, old: number): number {
    const { chunks } = this.records;
    if (room === 'reserved') return this.#headFor(size, old);
    const into = room === 'in place' ? old : room;
    if (size > MAX_SLOT_BYTES) chunks.truncate(old, size);
    else if (into === old && this.records.isLarge(old)) chunks.free(old);
    return into;
  }

  /** Returns the head of a large record, with its chunks. The allocator has reserved the slots. */
  #headFor(size: number, old: number): number {
    const { chunks } = this.records;
    const isHead = old !== 0 && this.#arena.page(old).slotBytes === MAX_SLOT_BYTES;
    const head = isHead ? old : this.#arena.allocate(MAX_SLOT_BYTES);
    chunks.resize(head, isHead && this.records.isLarge(old) ? chunks.next(old) : 0, slotsFor(size));
    return head;
  }

  /** Grows the table before the pair is stored, so that growing can't evict that pair. */
  #growTable(partition: MemoryPartition, nowMicros: number): void {
    if (!partition.isToGrow) return;
    // Finding room may itself have shrunk the table, or changed how much it needs.
    if (
      this.#allocator.reserve(partition.growthBytes, nowMicros) &&
      partition.isToGrow &&
      this.budget.fits(partition.growthBytes)
    )
      partition.grow();
  }

  #supersede(partition: MemoryPartition, old: number, by: number): void {
    partition.replace(old, by);
    this.#policy.moved(old, by);
    this.#free(old);
  }

  #reclaim(nowMicros: number): boolean {
    return this.sweep?.reclaim(nowMicros, this.#eviction === 'none' ? MAX_EXAMINED : FEW_EXAMINED) === true;
  }

  #partitionFor(number: number, nowMicros: number): MemoryPartition | undefined {
    const known = this.#partitions[number];
    if (known !== undefined || !this.#allocator.reserve(MemoryPartition.BYTES, nowMicros)) return known;
    const created = new MemoryPartition(number, this.#smallTables, this.records, this.budget);
    this.#partitions[number] = created;
    return created;
  }

  #known(number: number): MemoryPartition {
    const partition = this.#partitions[number];
    if (partition === undefined) throw new RangeError(`partition ${number} has a pair and is not known`);
    return partition;
  }

  #moved(from: number, to: number): void {
    const { chunks } = this.records;
    const isChunk = chunks.isChunk(to);
    if (isChunk || this.records.isLarge(to)) chunks.relink(to);
    if (!isChunk) {
      this.#known(this.records.partition(to)).replace(from, to);
      this.#policy.moved(from, to);
    }
  }
}

/** How many pairs the store examines for expired ones before it refuses a write … */
const MAX_EXAMINED = 4096;
/** … or before it evicts a pair. This is less, because every write of a full store may need it. */
const FEW_EXAMINED = 512;
