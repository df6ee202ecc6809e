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

  changing(partition: MemoryPartition, hash: number, ref: number, id: () => KeyId): void {
    if (partition === this.#partition && hash >= this.#hash && !this.#changed.has(id())) {
      this.#changed.add(id());
      if (ref !== 0) this.#copy(ref);
    }
  }

  /** Copies until a step's work is done or it is time to write; returns true when the partition is copied. */
  step(): boolean {
    const startMicros = this.#clock.nowMicros();
    let bytes = 0;
    for (let passed = 1; this.#hash < END_OF_HASHES && !this.#into.isFull; passed++) {
      bytes = this.#copyBucket(bytes);
      if (bytes >= STEP_BYTES || passed === STEP_BUCKETS) break;
      if (passed % BUCKETS_PER_LOOK === 0 && this.#clock.nowMicros() - startMicros >= STEP_MICROS) break;
    }
    return this.#hash >= END_OF_HASHES;
  }

  /**
   * Copies the pairs of the next bucket, or the first of them if a step's bytes are copied with these.
   * @param before how many bytes the step has copied
   * @returns how many it has copied now
   */
  #copyBucket(before: number): number {
    const { records } = this.#store;
    const { refs, nextHash } = this.#partition.bucketFrom(this.#hash);
    let bytes = before;
    for (const ref of refs.sort((a, b) => records.hash(a) - records.hash(b))) {
      const hash = records.hash(ref);
      const isNext = hash !== this.#hash;
      this.#hash = hash;
      // The walk can't stop between two keys of the same hash.
      if (isNext && bytes >= STEP_BYTES) return bytes;
      if (this.#changed.size === 0 || !this.#changed.has(records.id(ref))) bytes += this.#copy(ref);
    }
    this.#hash = nextHash;
    return bytes;
  }

  /** @returns how many bytes were copied */
  #copy(ref: number): number {
    const { records } = this.#store;
    if (isExpired(records.expiresAtMs(ref), this.#startMicros)) return 0;
    return this.#into.add(this.#store, this.#partition.number, ref);
  }
}

/** A step ends with the pair at which it has this many bytes: some hundred small pairs, a tenth of a millisecond of work. */
export const STEP_BYTES = 16 * 1024;

/** A step ends after this many buckets if there is little to copy. */
const STEP_BUCKETS = 512;

/** A step ends after this many microseconds on a slow machine. The clock is not read for every bucket. */
const STEP_MICROS = 1000;
const BUCKETS_PER_LOOK = 32;
