import type { KeyId } from '@kvs/protocol';
import { isExpired } from '../../rules.js';
import type { MemoryPartition } from '../memory-partition.js';
import { END_OF_HASHES } from '../memory-partition.js';
import type { ChangeObserver, PairStore } from '../pair-store.js';
import { pairBytes, writePair } from './snapshot-format.js';

/**
 * A partition as it is at one moment, copied in steps between which it may be written to: what is about to change and
 * was not copied yet is copied first, and what came since is left out.
 */
export class PartitionCopy implements ChangeObserver {
  readonly versionFloor: number;
  /** Keys ahead of the walk that have changed, and are copied already if they were there. */
  readonly #changed = new Set<KeyId>();
  #hash = 0;

  constructor(
    private readonly store: PairStore,
    private readonly partition: MemoryPartition,
    private readonly nowMicros: number,
    private readonly into: PairBuffer,
  ) {
    this.versionFloor = partition.versionFloor;
  }

  changing(partition: MemoryPartition, hash: number, ref: number, id: () => KeyId): void {
    if (partition !== this.partition || hash < this.#hash || this.#changed.has(id())) return;
    this.#changed.add(id());
    if (ref !== 0) this.#copy(ref);
  }

  /** Copies for a turn, or until the buffer is full; true when the partition is copied whole. */
  step(): boolean {
    for (let passed = 0; passed < STEP_BUCKETS && this.#hash < END_OF_HASHES && !this.into.isFull; passed++) {
      const { refs, nextHash } = this.partition.bucketFrom(this.#hash);
      for (const ref of refs) {
        if (this.#changed.size === 0 || !this.#changed.has(this.store.records.id(ref))) this.#copy(ref);
      }
      this.#hash = nextHash;
    }
    return this.#hash >= END_OF_HASHES;
  }

  #copy(ref: number): void {
    if (!isExpired(this.store.records.expiresAtMs(ref), this.nowMicros))
      this.into.add(this.store, this.partition.number, ref);
  }
}

/** Pairs on their way into a file. Grows beyond its size for a large pair. */
export class PairBuffer {
  pairCount = 0;
  #bytes = Buffer.allocUnsafe(PIECE_BYTES);
  #length = 0;

  get isFull(): boolean {
    return this.#length >= PIECE_BYTES / 2;
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  add(store: PairStore, partition: number, ref: number): void {
    const record = store.records.raw(ref);
    const end = this.#length + pairBytes(record);
    if (end > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(end, 2 * this.#bytes.length));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    writePair(this.#bytes, this.#length, partition, record);
    this.#length = end;
    this.pairCount += 1;
  }

  /** What was added since the last time. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#bytes = Buffer.allocUnsafe(PIECE_BYTES);
    this.#length = 0;
    return taken;
  }
}

/** Where there is little to copy, as pairs have expired or are gone, this many buckets are a turn's work. */
const STEP_BUCKETS = 1024;

/** About twice what is copied in one turn of the event loop: some tenths of a millisecond of work. */
const PIECE_BYTES = 32 * 1024;
