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
import { isLong, partitionOf, partitionStart, storedKey } from './key-codec.js';
import { encodeRecord, recordEntry, recordHead } from './record.js';

/**
 * The pairs, their deadlines, and the version floors. Methods that change anything must be called within a
 * transaction.
 */
export class PairTable {
  readonly #environment: Environment;
  readonly #clock: Clock;

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
    // The version of an expired pair that was not removed yet is higher than all earlier versions of its key, as the
    // floor is for a removed pair.
    const version = nextVersion(before?.version ?? this.#floor(partition), nowMicros);
    if (before?.expiresAtMs !== undefined) this.#forgetDeadline(key, before.expiresAtMs);
    const longKey = isLong(key) ? item.id : undefined;
    this.#environment.pairs.putSync(key, encodeRecord({ value, version, expiresAtMs }, longKey));
    if (expiresAtMs !== undefined) {
      this.#environment.deadlines.putSync(deadlineKey(key, expiresAtMs), EMPTY);
    }
    return { status: 'written', version, created: !isPresent };
  }

  delete(item: EngineDelete): EngineDeleteOutcome {
    const key = storedKey(item.partition, item.id);
    const record = this.#environment.pairs.getBinary(key);
    const actualVersion = record === undefined || this.#isExpired(record) ? 0 : recordHead(record).version;
    if (!conditionHolds(item.ifVersion, actualVersion)) return { status: 'version_mismatch', actualVersion };
    if (record !== undefined) this.#remove(key, record);
    return { status: actualVersion > 0 ? 'deleted' : 'absent' };
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

  #record({ id, partition }: EngineKey): Buffer | undefined {
    return this.#environment.pairs.getBinary(storedKey(partition, id));
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

const EMPTY = Buffer.alloc(0);
const DEADLINE_BYTES = 8;

/** Sorts by time: the big-endian bytes of doubles that are not negative have the order of the numbers. */
function deadlineKey(key: Buffer, expiresAtMs: number): Buffer {
  const time = Buffer.allocUnsafe(DEADLINE_BYTES);
  time.writeDoubleBE(Math.max(expiresAtMs, 0));
  return Buffer.concat([time, key]);
}
