import type { KeyId } from '@kvs/protocol';
import type { Clock } from '../../../clock.js';
import { isExpired } from '../../rules.js';
import type { MemoryPartition } from '../memory-partition.js';
import { END_OF_HASHES } from '../bucket-table.js';
import type { ChangeObserver, PairStore } from '../pair-store.js';
import type { CopiedPairs } from './copied-pairs.js';

/**
 * Copies a partition as it is at one moment, in steps between which it may change. A pair that is about to change is
 * copied first, if it was not copied yet. Pairs added later are left out.
 */
export class PartitionCopy implements ChangeObserver {
  readonly #startMicros: number;
  /** Keys ahead of the walk that have changed. If they were present, they are copied already. */
  readonly #changed = new Set<KeyId>();
  #hash = 0;

  readonly #store: PairStore;
  readonly #partition: MemoryPartition;
  readonly #clock: Clock;
  readonly #into: CopiedPairs;

  constructor(store: PairStore, partition: MemoryPartition, clock: Clock, into: CopiedPairs) {
    this.#store = store;
    this.#partition = partition;
    this.#clock = clock;
    this.#into = into;
    this.#startMicros = clock.nowMicros();
  }

  /** Must be called until all copies are written, because large pairs are copied last. */
  changing(partition: MemoryPartition, hash: number, ref: number, id: () => KeyId): void {
    if (partition === this.#partition && hash >= this.#hash && !this.#changed.has(id())) {
      this.#changed.add(id());
      if (ref !== 0) this.#copy(ref);
    }
    if (ref !== 0) this.#into.aboutToChange(ref);
  }

  moved(from: number, to: number): void {
    this.#into.moved(from, to);
  }

  /** Copies until a step's work is done or it is time to write; returns true when the partition is copied. */
  step(): boolean {
    const startMicros = this.#clock.nowMicros();
    let bytes = 0;
    for (let passed = 1; this.#hash < END_OF_HASHES && !this.#into.isFull; passed++) {
      const { refs, nextHash } = this.#partition.bucketFrom(this.#hash);
      for (const ref of refs) {
        if (this.#changed.size === 0 || !this.#changed.has(this.#store.records.id(ref)))
          bytes += this.#copy(ref);
      }
      this.#hash = nextHash;
      if (bytes >= STEP_BYTES || passed === STEP_BUCKETS) break;
      if (passed % BUCKETS_PER_LOOK === 0 && this.#clock.nowMicros() - startMicros >= STEP_MICROS) break;
    }
    return this.#hash >= END_OF_HASHES;
  }

  /** @returns how many bytes were copied */
  #copy(ref: number): number {
    const { records } = this.#store;
    if (isExpired(records.expiresAtMs(ref), this.#startMicros)) return 0;
    return this.#into.add(this.#store, this.#partition.number, ref);
  }
}

/** How much is copied in one turn of the event loop: some hundred small pairs, a tenth of a millisecond of work. */
export const STEP_BYTES = 16 * 1024;

/** A step ends after so many buckets if there is little to copy. */
const STEP_BUCKETS = 512;

/** A step ends after so many microseconds on a slow machine. The clock is not read for every bucket. */
const STEP_MICROS = 1000;
const BUCKETS_PER_LOOK = 32;
