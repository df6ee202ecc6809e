import {
  conditionHolds,
  isExpired,
  microsToMs,
  nextVersion,
  type Clock,
  type EngineDelete,
  type EngineDeleteOutcome,
  type EngineEntry,
  type EnginePair,
  type EngineWrite,
  type EngineWriteOutcome,
  type EngineKey,
} from '@kvs/kv-store';
import { PARTITION_COUNT, type KeyId } from '@kvs/protocol';
import { PAGE_BYTES, type Environment } from './environment.js';
import { isLong, partitionEnd, partitionIn, partitionStart, storedKey } from './key-codec.js';
import { encodeRecord, recordEntry, recordHead, type RecordHead } from './record.js';

/** Returns about how many bytes writing a pair takes: those of the record, a page that it is in, and one of another table. */
export function writtenBytes({ id, value }: Pick<EnginePair, 'id' | 'value'>): number {
  const encoding = value.encoding === 'binary' ? 'hex' : 'utf8';
  return 2 * PAGE_BYTES + id.length + Buffer.byteLength(value.data, encoding);
}

/**
 * The pairs, their deadlines, and the version floors. Methods that change anything must be called within a
 * transaction.
 */
export class PairTable {
  readonly #environment: Environment;
  readonly #clock: Clock;
  /** At least the floors of the store, and only for the versions of writes; NaN if unknown. Higher after a transaction that failed. */
  readonly #knownFloors = new Float64Array(PARTITION_COUNT).fill(NaN);

  constructor(environment: Environment, clock: Clock) {
    this.#environment = environment;
    this.#clock = clock;
  }

  get(key: EngineKey): EngineEntry | undefined {
    const record = this.#record(key);
    return record === undefined || this.#isExpired(record) ? undefined : recordEntry(record);
  }

  has(key: EngineKey): boolean {
    const record = this.#record(key);
    return record !== undefined && !this.#isExpired(record);
  }

  write(item: EngineWrite): EngineWriteOutcome {
    const { value, expiresAtMs, ifVersion, partition } = item;
    const key = storedKey(partition, item.id);
    const record = this.#environment.pairs.getBinary(key);
    const before = record === undefined ? undefined : recordHead(record);
    const nowMicros = this.#clock.nowMicros();
    const isPresent = before !== undefined && !isExpired(before.expiresAtMs, nowMicros);
    const actualVersion = isPresent ? before.version : 0;
    if (!conditionHolds(ifVersion, actualVersion)) return { status: 'version_mismatch', actualVersion };
    // An expired pair that was not removed yet counts too: it can be above the floor.
    const version = nextVersion(Math.max(before?.version ?? 0, this.#knownFloor(partition)), nowMicros);
    this.#put(key, item.id, { value, version, expiresAtMs }, before);
    return { status: 'written', version, created: !isPresent };
  }

  /** Stores a pair with the version and the deadline that it has elsewhere. */
  put({ id, ...entry }: EnginePair, partition: number): void {
    const key = storedKey(partition, id);
    const record = this.#environment.pairs.getBinary(key);
    this.#put(key, id, entry, record === undefined ? undefined : recordHead(record));
  }

  delete(item: EngineDelete): EngineDeleteOutcome {
    const key = storedKey(item.partition, item.id);
    const record = this.#environment.pairs.getBinary(key);
    const actualVersion = record === undefined || this.#isExpired(record) ? 0 : recordHead(record).version;
    if (!conditionHolds(item.ifVersion, actualVersion)) return { status: 'version_mismatch', actualVersion };
    if (record !== undefined) this.#remove(key, recordHead(record));
    return { status: actualVersion > 0 ? 'deleted' : 'absent' };
  }

  /** Removes pairs of a partition, at most `limit`, and fewer if they are large. Returns whether there may be more. */
  clear(partition: number, limit: number): boolean {
    const range = { start: partitionStart(partition), end: partitionEnd(partition), limit };
    const pairs: { readonly key: Buffer; readonly head: RecordHead }[] = [];
    let bytes = 0;
    for (const { key, value } of this.#environment.pairs.getRange(range)) {
      pairs.push({ key: Buffer.from(key), head: recordHead(value) });
      bytes += value.length;
      if (bytes >= MAX_CLEARED_BYTES) break;
    }
    for (const { key, head } of pairs) this.#remove(key, head);
    return pairs.length === limit || bytes >= MAX_CLEARED_BYTES;
  }

  /** Returns a version that is at least as high as all that left this partition. Every write gets a higher one. */
  floor(partition: number): number {
    return this.#environment.floors.getBinary(partitionStart(partition))?.readDoubleBE() ?? 0;
  }

  /** Returns the highest version of the pairs in this partition, 0 if it is empty. Reads the partition. */
  highestPresentVersion(partition: number): number {
    const range = { start: partitionStart(partition), end: partitionEnd(partition) };
    let highest = 0;
    for (const { value } of this.#environment.pairs.getRange(range))
      highest = Math.max(highest, recordHead(value).version);
    return highest;
  }

  raiseFloor(partition: number, version: number): void {
    if (version <= this.floor(partition)) return;
    const floor = Buffer.allocUnsafe(8);
    floor.writeDoubleBE(version);
    this.#environment.floors.putSync(partitionStart(partition), floor);
    this.#knownFloors[partition] = Math.max(version, this.#knownFloor(partition));
  }

  #knownFloor(partition: number): number {
    const known = this.#knownFloors[partition] ?? NaN;
    return Number.isNaN(known) ? (this.#knownFloors[partition] = this.floor(partition)) : known;
  }

  /** Returns pairs that have expired, at most `limit`. */
  expired(limit: number): Buffer[] {
    const end = deadlineKey(EMPTY, microsToMs(this.#clock.nowMicros()) + 1);
    return [...this.#environment.deadlines.getKeys({ end, limit })].map((key) => Buffer.from(key));
  }

  /** Removes the pair of a deadline that {@link expired} returned, if the pair has expired. */
  reclaim(deadline: Buffer): void {
    const key = deadline.subarray(DEADLINE_BYTES);
    const record = this.#environment.pairs.getBinary(key);
    if (record !== undefined && this.#isExpired(record)) this.#remove(key, recordHead(record));
  }

  #record({ id, partition }: EngineKey): Buffer | undefined {
    return this.#environment.pairs.getBinary(storedKey(partition, id));
  }

  #put(key: Buffer, id: KeyId, entry: EngineEntry, before: RecordHead | undefined): void {
    if (before?.expiresAtMs !== undefined) this.#forgetDeadline(key, before.expiresAtMs);
    this.#environment.pairs.putSync(key, encodeRecord(entry, isLong(key) ? id : undefined));
    if (entry.expiresAtMs !== undefined) {
      this.#environment.deadlines.putSync(deadlineKey(key, entry.expiresAtMs), EMPTY);
    }
  }

  #remove(key: Buffer, { version, expiresAtMs }: RecordHead): void {
    this.#environment.pairs.removeSync(key);
    if (expiresAtMs !== undefined) this.#forgetDeadline(key, expiresAtMs);
    this.raiseFloor(partitionIn(key), version);
  }

  #forgetDeadline(key: Buffer, expiresAtMs: number): void {
    this.#environment.deadlines.removeSync(deadlineKey(key, expiresAtMs));
  }

  #isExpired(record: Buffer): boolean {
    return isExpired(recordHead(record).expiresAtMs, this.#clock.nowMicros());
  }
}

const EMPTY = Buffer.alloc(0);
/** Reading a range copies its values. */
const MAX_CLEARED_BYTES = 4 * 1024 * 1024;
const DEADLINE_BYTES = 8;

/** Sorts by time: the big-endian bytes of doubles that are not negative have the order of the numbers. */
function deadlineKey(key: Buffer, expiresAtMs: number): Buffer {
  const time = Buffer.allocUnsafe(DEADLINE_BYTES);
  time.writeDoubleBE(Math.max(expiresAtMs, 0));
  return Buffer.concat([time, key]);
}
