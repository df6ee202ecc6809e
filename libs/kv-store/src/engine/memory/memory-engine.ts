import { setImmediate } from 'node:timers/promises';
import { KvsError } from '@kvs/protocol';
import type { Clock } from '../../clock.js';
import type { EngineFactoryOptions } from '../engine-factory.js';
import type {
  EngineChunk,
  EngineDelete,
  EngineDeleteOutcome,
  EnginePresenceOutcome,
  EngineReadOutcome,
  EngineScanOptions,
  EngineStats,
  EngineWrite,
  EngineWriteOutcome,
  PlacedKey,
  StorageEngine,
} from '../storage-engine.js';
import { SCAN_CHUNK_PAIRS } from '../storage-engine.js';
import { MemoryPartition } from './memory-partition.js';

/** Keeps the pairs in this process's memory and answers at once. What it holds is gone when it is closed. */
export class MemoryEngine implements StorageEngine {
  readonly name = 'memory';
  readonly capabilities = Object.freeze({ durable: false, shared: false });

  readonly #clock: Clock;
  /** By partition number; one comes into being with its first write and then stays, for its version floor. */
  readonly #partitions = new Map<number, MemoryPartition>();
  #isClosed = false;

  constructor({ clock }: EngineFactoryOptions) {
    this.#clock = clock;
  }

  getMany(keys: readonly PlacedKey[]): readonly EngineReadOutcome[] {
    this.#assertOpen();
    const now = this.#clock.nowMicros();
    return keys.map(({ id, partition }) => this.#partitions.get(partition)?.get(id, now) ?? ABSENT);
  }

  hasMany(keys: readonly PlacedKey[]): readonly EnginePresenceOutcome[] {
    this.#assertOpen();
    const now = this.#clock.nowMicros();
    return keys.map(({ id, partition }) =>
      this.#partitions.get(partition)?.has(id, now) ? PRESENT : ABSENT,
    );
  }

  setMany(writes: readonly EngineWrite[]): readonly EngineWriteOutcome[] {
    this.#assertOpen();
    const now = this.#clock.nowMicros();
    return writes.map((write) => this.#partitionForWrite(write.partition).write(write, now));
  }

  deleteMany(deletes: readonly EngineDelete[]): readonly EngineDeleteOutcome[] {
    this.#assertOpen();
    const now = this.#clock.nowMicros();
    return deletes.map((item) => this.#partitionForWrite(item.partition).delete(item, now));
  }

  async *scan(
    partitions: readonly number[],
    { idPrefix = '' }: EngineScanOptions = {},
  ): AsyncGenerator<EngineChunk, void, undefined> {
    this.#assertOpen();
    const pace = new ScanPace();
    for (const number of partitions) {
      const partition = this.#partitions.get(number);
      if (partition === undefined) continue;
      for (const pairs of partition.chunks(idPrefix, this.#clock)) {
        yield { partition: number, pairs };
        await pace.passed(pairs.length);
        this.#assertOpen();
      }
      await pace.passed(partition.pairCount);
      this.#assertOpen();
    }
  }

  stats(): EngineStats {
    this.#assertOpen();
    let pairCount = 0;
    let partitionCount = 0;
    for (const partition of this.#partitions.values()) {
      pairCount += partition.pairCount;
      partitionCount += partition.pairCount > 0 ? 1 : 0;
    }
    return { pairCount, partitionCount };
  }

  close(): void {
    this.#isClosed = true;
    this.#partitions.clear();
  }

  #partitionForWrite(number: number): MemoryPartition {
    const known = this.#partitions.get(number);
    if (known !== undefined) return known;
    const created = new MemoryPartition();
    this.#partitions.set(number, created);
    return created;
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new KvsError('engine_unavailable', 'the memory engine is closed');
  }
}

const ABSENT = Object.freeze({ status: 'absent' });
const PRESENT = Object.freeze({ status: 'present' });

/** A scan of memory never waits by itself, so it lets other work have a turn after every so many pairs. */
class ScanPace {
  #pairsSinceTurn = 0;

  passed(pairCount: number): Promise<void> | undefined {
    this.#pairsSinceTurn += pairCount;
    if (this.#pairsSinceTurn < SCAN_CHUNK_PAIRS) return undefined;
    this.#pairsSinceTurn = 0;
    return setImmediate();
  }
}
