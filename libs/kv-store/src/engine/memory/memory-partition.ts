import type { KeyScratch } from './key-scratch.js';
import type { MemoryBudget } from './memory-budget.js';
import type { Records } from './records.js';

/**
 * The pairs of one partition: a hash table whose buckets are chains of records. A bucket is a range of hashes, the
 * top bits of a hash its number. So whatever the table's size, walking its buckets goes through the hashes in
 * ascending order, and a walk that is interrupted goes on at a hash, whatever was written meanwhile.
 */
export class MemoryPartition {
  pairCount = 0;
  /**
   * The highest version that left this partition. One number stands for every key that is gone: a key
   * that comes anew starts above it, and so above every version it had before.
   */
  versionFloor = 0;
  /** No pair expires before; there need not be one that expires then. */
  earliestDeadlineMs = Infinity;
  #bits = MIN_BITS;
  #buckets = new Uint32Array(2 ** MIN_BITS);

  constructor(
    readonly number: number,
    private readonly records: Records,
    private readonly budget: MemoryBudget,
  ) {
    budget.charge(MemoryPartition.BYTES);
  }

  /** What an empty partition takes, as measured. */
  static readonly BYTES = 448;

  find(key: KeyScratch): number {
    let ref = this.#buckets[this.#bucketOf(key.hash)] ?? 0;
    while (ref !== 0 && !this.records.matches(ref, key)) ref = this.records.next(ref);
    return ref;
  }

  link(ref: number): void {
    this.#push(ref);
    this.pairCount += 1;
  }

  unlink(ref: number): void {
    this.#relink(ref, this.records.next(ref));
    this.pairCount -= 1;
  }

  /** Puts a record in the place of another, of the same key. */
  replace(from: number, to: number): void {
    this.records.setNext(to, this.records.next(from));
    this.#relink(from, to);
  }

  /** The bytes by which the table has to grow to stay fast with one more pair; 0 while it need not. */
  get growthBytes(): number {
    return this.pairCount >= this.#buckets.length && this.#bits < MAX_BITS ? this.#buckets.byteLength : 0;
  }

  /** The caller has made sure that {@link growthBytes} fit. */
  grow(): void {
    this.#resize(this.#bits + 1);
  }

  shrinkIfSparse(): void {
    if (this.#bits > MIN_BITS && this.pairCount < this.#buckets.length / 8) this.#resize(this.#bits - 1);
  }

  /**
   * The records of the bucket that holds a hash, except those with lower hashes (a table that shrank since the walk's
   * last step has them in the same bucket), and the hash at which the next bucket starts.
   */
  bucketFrom(hash: number): { readonly refs: number[]; readonly nextHash: number } {
    const refs: number[] = [];
    const nextHash = this.addBucketFrom(hash, refs);
    return { refs, nextHash };
  }

  /**
   * As {@link bucketFrom}, adding the records to those of an array that is used again.
   * @returns the hash at which the next bucket starts
   */
  addBucketFrom(hash: number, refs: number[]): number {
    const bucket = this.#bucketOf(hash);
    for (let ref = this.#buckets[bucket] ?? 0; ref !== 0; ref = this.records.next(ref)) {
      if (this.records.hash(ref) >= hash) refs.push(ref);
    }
    // 2 ** n is a call into the C library, which takes longer than the walk through most buckets.
    return (bucket + 1) * (1 << (HASH_BITS - this.#bits - 2)) * 4;
  }

  /** Makes what refers to one record refer to another. */
  #relink(from: number, to: number): void {
    const bucket = this.#bucketOf(this.records.hash(from));
    let ref = this.#buckets[bucket] ?? 0;
    if (ref === from) {
      this.#buckets[bucket] = to;
      return;
    }
    for (; ref !== 0; ref = this.records.next(ref)) {
      if (this.records.next(ref) === from) return this.records.setNext(ref, to);
    }
    throw new RangeError('a record that is not in its bucket');
  }

  #push(ref: number): void {
    const bucket = this.#bucketOf(this.records.hash(ref));
    this.records.setNext(ref, this.#buckets[bucket] ?? 0);
    this.#buckets[bucket] = ref;
  }

  #resize(bits: number): void {
    const old = this.#buckets;
    this.#bits = bits;
    this.#buckets = new Uint32Array(2 ** bits);
    this.budget.charge(this.#buckets.byteLength - old.byteLength);
    for (const first of old) {
      for (let ref = first; ref !== 0;) {
        const next = this.records.next(ref);
        this.#push(ref);
        ref = next;
      }
    }
  }

  #bucketOf(hash: number): number {
    return hash >>> (HASH_BITS - this.#bits);
  }
}

/** Where a walk through a partition's hashes ends. */
export const END_OF_HASHES = 2 ** 32;

const HASH_BITS = 32;
const MIN_BITS = 2;
const MAX_BITS = 26;
