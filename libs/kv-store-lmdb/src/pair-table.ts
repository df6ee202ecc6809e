import type {
  Clock,
  EngineDelete,
  EngineDeleteOutcome,
  EngineEntry,
  EngineWrite,
  EngineWriteOutcome,
  EngineKey,
} from '@kvs/kv-store';
import { conditionHolds, isExpired, microsToMs, nextVersion } from '@kvs/kv-store';
import type { Environment } from './environment.js';
import type { Digest } from './key-codec.js';
import { partitionOf, partitionStart, SLOTS, storedKey, withSlot } from './key-codec.js';
import { encodeRecord, recordEntry, recordHead, recordKey } from './record.js';

/**
 * The pairs, their deadlines, and the version floors. Methods that change anything must be called within a
 * transaction.
 */
export class PairTable {
  readonly #environment: Environment;
  readonly #clock: Clock;
  readonly #digest: Digest;

  constructor(environment: Environment, clock: Clock, digest: Digest) {
    this.#environment = environment;
    this.#clock = clock;
    this.#digest = digest;
  }

  get(key: EngineKey): EngineEntry | undefined {
    const { record } = this.#locate(key);
    return record === undefined || this.#isExpired(record) ? undefined : recordEntry(record);
  }

  has(key: EngineKey): boolean {
    const { record } = this.#locate(key);
    return record !== undefined && !this.#isExpired(record);
  }

  write(item: EngineWrite): EngineWriteOutcome {
    const { value, expiresAtMs, ifVersion, partition } = item;
    const place = this.#locate(item);
    const before = place.record === undefined ? undefined : recordHead(place.record);
    const nowMicros = this.#clock.nowMicros();
    const isPresent = before !== undefined && !isExpired(before.expiresAtMs, nowMicros);
    const actualVersion = isPresent ? before.version : 0;
    if (!conditionHolds(ifVersion, actualVersion)) return { status: 'version_mismatch', actualVersion };
    // The version of an expired pair that was not removed yet is higher than all earlier versions of its key, as the
    // floor is for a removed pair.
    const version = nextVersion(before?.version ?? this.#floor(partition), nowMicros);
    if (before?.expiresAtMs !== undefined) this.#forgetDeadline(place.key, before.expiresAtMs);
    const longKey = place.isLong ? item.id : undefined;
    this.#environment.pairs.putSync(place.key, encodeRecord({ value, version, expiresAtMs }, longKey));
    if (expiresAtMs !== undefined) {
      this.#environment.deadlines.putSync(deadlineKey(place.key, expiresAtMs), EMPTY);
    }
    return { status: 'written', version, created: !isPresent };
  }

  delete(item: EngineDelete): EngineDeleteOutcome {
    const place = this.#locate(item);
    const isPresent = place.record !== undefined && !this.#isExpired(place.record);
    const actualVersion = isPresent && place.record !== undefined ? recordHead(place.record).version : 0;
    if (!conditionHolds(item.ifVersion, actualVersion)) return { status: 'version_mismatch', actualVersion };
    if (place.record !== undefined) this.#remove(place.key, place.record);
    return { status: isPresent ? 'deleted' : 'absent' };
  }

  /** Returns pairs that have expired, at most so many. */
  expired(limit: number): Buffer[] {
    const end = deadlineKey(EMPTY, microsToMs(this.#clock.nowMicros()) + 1);
    return [...this.#environment.deadlines.getKeys({ end, limit })].map((key) => Buffer.from(key));
  }

  /** Removes a pair that {@link expired} returned, unless it has changed since. */
  reclaim(deadline: Buffer): void {
    const key = deadline.subarray(DEADLINE_BYTES);
    const record = this.#environment.pairs.getBinary(key);
    if (record === undefined || !this.#isExpired(record)) return;
    if (this.#environment.deadlines.doesExist(deadline)) this.#remove(key, record);
  }

  #locate({ id, partition }: EngineKey): Place {
    const { bytes, isLong } = storedKey(partition, id, this.#digest);
    if (!isLong) return { key: bytes, isLong, record: this.#environment.pairs.getBinary(bytes) };
    let free: number | undefined = 0;
    for (const { key, value } of this.#environment.pairs.getRange({ start: bytes, end: slotsEnd(bytes) })) {
      if (recordKey(value) === id) return { key: Buffer.from(key), isLong, record: value };
      if (key.at(-1) === free) free += 1;
    }
    if (free >= SLOTS) throw new RangeError(`${SLOTS} keys have the same digest`);
    return { key: withSlot(bytes, free), isLong, record: undefined };
  }

  #remove(key: Buffer, record: Buffer): void {
    const { version, expiresAtMs } = recordHead(record);
    const partition = partitionOf(key);
    this.#environment.pairs.removeSync(key);
    if (expiresAtMs !== undefined) this.#forgetDeadline(key, expiresAtMs);
    if (version <= this.#floor(partition)) return;
    const floor = Buffer.allocUnsafe(8);
    floor.writeDoubleBE(version);
    this.#environment.floors.putSync(partitionStart(partition), floor);
  }

  /** Returns the highest version that left this partition. New pairs start above it. */
  #floor(partition: number): number {
    return this.#environment.floors.getBinary(partitionStart(partition))?.readDoubleBE() ?? 0;
  }

  #forgetDeadline(key: Buffer, expiresAtMs: number): void {
    this.#environment.deadlines.removeSync(deadlineKey(key, expiresAtMs));
  }

  #isExpired(record: Buffer): boolean {
    return isExpired(recordHead(record).expiresAtMs, this.#clock.nowMicros());
  }
}

interface Place {
  readonly key: Buffer;
  readonly isLong: boolean;
  readonly record: Buffer | undefined;
}

const EMPTY = Buffer.alloc(0);
const DEADLINE_BYTES = 8;

/** Sorts by time: the big-endian bytes of doubles that are not negative have the order of the numbers. */
function deadlineKey(key: Buffer, expiresAtMs: number): Buffer {
  const time = Buffer.allocUnsafe(DEADLINE_BYTES);
  time.writeDoubleBE(Math.max(expiresAtMs, 0));
  return Buffer.concat([time, key]);
}

function slotsEnd(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.of(0xff, 0xff)]);
}
