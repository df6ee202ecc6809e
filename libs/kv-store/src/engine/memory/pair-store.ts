import { PARTITION_COUNT, type KeyId } from '@kvs/protocol';
import { conditionHolds, isExpired, nextVersion } from '../rules.js';
import type {
  EngineDelete,
  EngineDeleteOutcome,
  EnginePair,
  EngineReadOutcome,
  EngineWrite,
  EngineWriteOutcome,
  PlacedKey,
} from '../storage-engine.js';
import { createPolicy } from './eviction/create-policy.js';
import type { Eviction, EvictionPolicy } from './eviction/eviction-policy.js';
import type { HashKey } from './half-sip-hash.js';
import { KeyScratch } from './key-scratch.js';
import { MemoryBudget } from './memory-budget.js';
import { MemoryPartition } from './memory-partition.js';
import { valueBytesOf } from './record-data.js';
import { Records } from './records.js';
import { IN_PLACE, RoomMaker } from './room-maker.js';
import { MAX_SLOT_BYTES } from './slab/size-classes.js';
import { SlabArena } from './slab/slab-arena.js';
import { slotsFor } from './slab/spread-layout.js';

/** Told of changes, for a copy of a partition that is under way. */
export interface ChangeObserver {
  /**
   * A pair is about to change.
   * @param ref the pair as it is, 0 where the key is absent
   */
  changing(partition: MemoryPartition, hash: number, ref: number, id: () => KeyId): void;
  /** A record, or a piece of one, is now elsewhere. */
  moved(from: number, to: number): void;
}

/** Knows what has expired. */
export interface ExpiredPairs {
  /**
   * Removes some of them, having looked at so many pairs at most.
   * @returns whether anything was removed
   */
  reclaim(nowMicros: number, mostExamined: number): boolean;
}

/** All pairs, by partition. Every method runs to its end without giving way, so each is atomic. */
export class PairStore {
  readonly budget: MemoryBudget;
  records: Records;
  /** Set while a partition is copied over several turns of the event loop. */
  observer: ChangeObserver | undefined;
  /** What is asked for room before a pair is evicted, or a write refused. */
  expired: ExpiredPairs | undefined;
  #arena: SlabArena;
  #policy: EvictionPolicy;
  #room: RoomMaker;
  readonly #key: KeyScratch;
  /** One comes into being with its first write and then stays, for its version floor. */
  readonly #partitions: (MemoryPartition | undefined)[] = Array.from({ length: PARTITION_COUNT });

  readonly #eviction: Eviction;

  constructor(maxBytes: number, eviction: Eviction, hashKey: HashKey) {
    this.#eviction = eviction;

    this.budget = new MemoryBudget(maxBytes);
    this.#key = new KeyScratch(hashKey);
    this.#arena = new SlabArena(this.budget, (from, to) => this.#moved(from, to));
    this.records = new Records(this.#arena, eviction !== 'none');
    this.#policy = createPolicy(eviction, this.records);
    this.#room = this.#roomMaker();
  }

  get(item: PlacedKey, nowMicros: number): EngineReadOutcome | undefined {
    const ref = this.#find(item, nowMicros);
    if (ref === 0) return undefined;
    this.#policy.used(ref);
    return {
      status: 'found',
      value: this.records.value(ref),
      version: this.records.version(ref),
      expiresAtMs: this.records.expiresAtMs(ref),
    };
  }

  has(item: PlacedKey, nowMicros: number): boolean {
    const ref = this.#find(item, nowMicros);
    if (ref !== 0) this.#policy.used(ref);
    return ref !== 0;
  }

  /** As {@link get}, by one who is not a user: eviction takes no note of it. */
  peek(item: PlacedKey, nowMicros: number): EnginePair | undefined {
    const ref = this.#find(item, nowMicros);
    return ref === 0 ? undefined : this.records.pair(ref, item.id);
  }

  write(item: EngineWrite, nowMicros: number): EngineWriteOutcome {
    const found = this.#find(item, nowMicros);
    const actualVersion = found === 0 ? 0 : this.records.version(found);
    if (!conditionHolds(item.ifVersion, actualVersion)) return { status: 'version_mismatch', actualVersion };
    const previous = found === 0 ? (this.#partitions[item.partition]?.versionFloor ?? 0) : actualVersion;
    const version = nextVersion(previous, nowMicros);
    return this.#store(item, version, found, nowMicros)
      ? { status: 'written', version, created: found === 0 }
      : { status: 'out_of_memory' };
  }

  delete(item: EngineDelete, nowMicros: number): EngineDeleteOutcome {
    const ref = this.#find(item, nowMicros);
    const actualVersion = ref === 0 ? 0 : this.records.version(ref);
    if (!conditionHolds(item.ifVersion, actualVersion)) return { status: 'version_mismatch', actualVersion };
    if (ref === 0) return { status: 'absent' };
    this.remove(this.#known(item.partition), ref);
    return { status: 'deleted' };
  }

  /** A pair as it was elsewhere, version and all. False when there is no room for it. */
  restore(pair: EnginePair & PlacedKey): boolean {
    this.#key.encode(pair.id);
    return this.#store(pair, pair.version, 0, 0);
  }

  /** Raises a partition's version floor, creating the partition if need be. False when there is no room for it. */
  raiseVersionFloor(number: number, floor: number): boolean {
    const partition = this.#partitionFor(number, 0);
    if (partition !== undefined) partition.versionFloor = Math.max(partition.versionFloor, floor);
    return partition !== undefined;
  }

  /** Removes a pair, wherever it is found. Others may move in memory: references to them no longer hold. */
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

  /** Lets go of everything, version floors too. */
  clear(): void {
    this.#partitions.fill(undefined);
    this.budget.charge(-this.budget.usedBytes);
    this.#arena = new SlabArena(this.budget, (from, to) => this.#moved(from, to));
    this.records = new Records(this.#arena, this.#eviction !== 'none');
    this.#policy = createPolicy(this.#eviction, this.records);
    this.#room = this.#roomMaker();
  }

  #roomMaker(): RoomMaker {
    return new RoomMaker(this.#arena, this.records, this.budget, {
      reclaim: (nowMicros) => this.#reclaim(nowMicros),
      victim: () => this.#policy.victim(),
      evict: (ref) => this.#evict(ref),
    });
  }

  #drop(partition: MemoryPartition, ref: number): void {
    this.observer?.changing(partition, this.records.hash(ref), ref, () => this.records.id(ref));
    partition.versionFloor = Math.max(partition.versionFloor, this.records.version(ref));
    partition.unlink(ref);
    this.#policy.removed(ref);
    this.#free(ref);
  }

  #free(ref: number): void {
    if (this.records.isSpread(ref)) this.records.pieces.free(ref);
    this.#arena.free(ref);
  }

  #evict(ref: number): void {
    const partition = this.#known(this.records.partition(ref));
    this.#drop(partition, ref);
    partition.shrinkIfSparse();
  }

  /** The record of a present key, 0 when it is absent. An expired one is reclaimed on the way. */
  #find({ id, partition: number }: PlacedKey, nowMicros: number): number {
    const key = this.#key.encode(id);
    const partition = this.#partitions[number];
    const ref = partition?.find(key) ?? 0;
    if (partition === undefined || ref === 0) return 0;
    if (!isExpired(this.records.expiresAtMs(ref), nowMicros)) return ref;
    this.remove(partition, ref);
    return 0;
  }

  /**
   * Puts a pair into memory; the key is the one encoded last.
   * @param found the key's record, 0 when it is absent
   * @returns false when there is no room; then nothing has changed
   */
  #store(pair: Omit<EngineWrite, 'ifVersion'>, version: number, found: number, nowMicros: number): boolean {
    const partition = this.#partitionFor(pair.partition, nowMicros);
    if (partition === undefined) return false;
    if (found === 0) this.#growTable(partition, nowMicros);
    const valueBytes = valueBytesOf(pair.value);
    const size = this.records.size(this.#key, valueBytes, pair.expiresAtMs);
    const place = this.#placeFor(size, partition, found, nowMicros);
    if (place === 0) return false;
    // Making room may have moved the old record, or evicted it and given its very slot to the new one.
    const old = found === 0 ? 0 : partition.find(this.#key);
    this.observer?.changing(partition, this.#key.hash, old, () => pair.id);
    const into = size > MAX_SLOT_BYTES ? this.#spread(size, old, place) : this.#occupy(old, place);
    this.records.fill(into, this.#key, partition.number, pair.value, valueBytes, version, pair.expiresAtMs);
    if (old === 0) {
      partition.link(into);
      this.#policy.added(into);
    } else {
      this.#policy.used(old);
      if (old !== into) this.#supersede(partition, old, into);
      this.#arena.tidy();
    }
    partition.earliestDeadlineMs = Math.min(partition.earliestDeadlineMs, pair.expiresAtMs ?? Infinity);
    return true;
  }

  /** Where there is room for a record: a slot of its own, or as {@link RoomMaker} says; 0 for nowhere. */
  #placeFor(size: number, partition: MemoryPartition, found: number, nowMicros: number): number {
    if (size > MAX_SLOT_BYTES)
      return this.#room.forSpread(size, () => (found === 0 ? 0 : partition.find(this.#key)), nowMicros);
    if (found !== 0 && this.#arena.isSlotFor(found, size)) return found;
    return this.#room.forRecord(size, found, nowMicros);
  }

  /** The slot for a record, free of what the one before had beyond it. */
  #occupy(old: number, place: number): number {
    const into = place === IN_PLACE ? old : place;
    if (into === old && this.records.isSpread(old)) this.records.pieces.free(old);
    return into;
  }

  /** The head for a record larger than any slot, with its pieces. */
  #spread(size: number, old: number, place: number): number {
    const { pieces } = this.records;
    if (place === IN_PLACE) {
      pieces.cut(old, size);
      return old;
    }
    const isHead = old !== 0 && this.#arena.page(old).slotBytes === MAX_SLOT_BYTES;
    const head = isHead ? old : this.#arena.allocate(MAX_SLOT_BYTES);
    pieces.lay(head, isHead && this.records.isSpread(old) ? pieces.next(old) : 0, slotsFor(size));
    return head;
  }

  /** Before a pair comes, so that room for the table is not made by evicting that very pair. */
  #growTable(partition: MemoryPartition, nowMicros: number): void {
    if (!partition.isToGrow) return;
    // Making room may itself have made the table small enough for what is left, or changed what it needs.
    if (
      this.#room.forTable(partition.growthBytes, nowMicros) &&
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
    return (
      this.expired?.reclaim(nowMicros, this.#eviction === 'none' ? MOST_EXAMINED : FEW_EXAMINED) === true
    );
  }

  #partitionFor(number: number, nowMicros: number): MemoryPartition | undefined {
    const known = this.#partitions[number];
    if (known !== undefined || !this.#room.forTable(MemoryPartition.BYTES, nowMicros)) return known;
    const created = new MemoryPartition(number, this.records, this.budget);
    this.#partitions[number] = created;
    return created;
  }

  #known(number: number): MemoryPartition {
    const partition = this.#partitions[number];
    if (partition === undefined) throw new RangeError(`partition ${number} has a pair and is not known`);
    return partition;
  }

  #moved(from: number, to: number): void {
    const { pieces } = this.records;
    const isPiece = pieces.isPiece(to);
    if (isPiece || this.records.isSpread(to)) pieces.relink(to);
    if (!isPiece) {
      this.#known(this.records.partition(to)).replace(from, to);
      this.#policy.moved(from, to);
    }
    this.observer?.moved(from, to);
  }
}

/** How many pairs may be looked at for expired ones before a write is refused … */
const MOST_EXAMINED = 4096;
/** … or before another is evicted, which does no harm: every write of a full store may come to this. */
const FEW_EXAMINED = 512;
