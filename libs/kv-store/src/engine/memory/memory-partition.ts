import { BucketTable, END_OF_HASHES } from './bucket-table.js';
import type { KeyBuffer } from './key-buffer.js';
import type { MemoryBudget } from './memory-budget.js';
import type { Records } from './records.js';

/**
 * The buckets of each small table, indexed by partition. A look-up reads no other memory of the partition, which avoids cache
 * misses.
 */
export type SmallTables = (Uint32Array | undefined)[];

/**
 * The pairs of one partition, in a hash table whose buckets are chains of records. A bucket is a range of hashes. So
 * a walk of the buckets goes through the hashes in ascending order whatever the table's size, and it can continue at
 * any hash whatever was written meanwhile.
 *
 * A large table grows or shrinks a few buckets at a time, with each pair that is added or removed, as in Redis.
 * Hashes below a moving boundary are in the table of the new size, the others in the old table.
 */
export class MemoryPartition {
  pairCount = 0;
  /** No pair expires earlier. The pair that had this deadline may be gone. */
  earliestDeadlineMs = Infinity;
  #table = new BucketTable(MIN_BITS);
  #next: BucketTable | undefined;
  /** A hash at which both tables have the start of a bucket. */
  #boundary = 0;

  readonly #smallTables: SmallTables;
  readonly #records: Records;
  readonly #budget: MemoryBudget;

  constructor(
    readonly number: number,
    smallTables: SmallTables,
    records: Records,
    budget: MemoryBudget,
  ) {
    this.#smallTables = smallTables;
    this.#records = records;
    this.#budget = budget;
    this.#table.reserve(END_OF_HASHES);
    this.#publishTable();
    budget.charge(MemoryPartition.BYTES);
  }

  /** How many bytes an empty partition has, as measured. */
  static readonly BYTES = 632;

  /** Returns the record of a key, 0 if it is absent. */
  find(key: KeyBuffer): number {
    return this.#records.find(this.#tableOf(key.hash).first(key.hash), key);
  }

  link(ref: number): void {
    this.#push(ref);
    this.pairCount += 1;
  }

  unlink(ref: number): void {
    this.#relink(ref, this.#records.next(ref));
    this.pairCount -= 1;
  }

  /** Replaces a record with another of the same key. */
  replace(from: number, to: number): void {
    this.#records.setNext(to, this.#records.next(from));
    this.#relink(from, to);
  }

  /** Whether the table must grow, or has begun to grow, to stay fast with one more pair. */
  get isToGrow(): boolean {
    const { bits, bucketCount } = this.#table;
    return this.#next !== undefined || (this.pairCount >= bucketCount && bits < MAX_BITS);
  }

  /** The bytes that {@link grow} will allocate. Often 0 once growth has begun. */
  get growthBytes(): number {
    if (this.#next !== undefined) return this.#next.missingBytes(this.#endOfStep(this.#next));
    const larger = new BucketTable(this.#table.bits + 1);
    if (larger.isSmall) return larger.missingBytes(END_OF_HASHES) - this.#table.byteCount;
    return larger.missingBytes(this.#endOfStep(larger));
  }

  /** Grows by a few buckets. The caller has reserved {@link growthBytes}. */
  grow(): void {
    this.#next ??= new BucketTable(this.#table.bits + 1);
    this.#move(this.#next);
  }

  /** Shrinks a sparse table after pairs were removed. Does nothing if there is no room for it. */
  shrinkIfSparse(): void {
    const { bits, bucketCount } = this.#table;
    if (this.#next === undefined && bits > MIN_BITS && this.pairCount < bucketCount / 8)
      this.#next = new BucketTable(bits - 1);
    if (this.#next !== undefined && (this.#next.isSmall || this.#budget.fits(this.growthBytes)))
      this.#move(this.#next);
  }

  /**
   * Returns the records of the bucket of a hash, and the hash at which the next bucket starts. Records with lower
   * hashes are left out: after the table has shrunk, they can be in the same bucket.
   */
  bucketFrom(hash: number): { readonly refs: number[]; readonly nextHash: number } {
    const refs: number[] = [];
    const nextHash = this.addBucketFrom(hash, refs);
    return { refs, nextHash };
  }

  /**
   * As {@link bucketFrom}, but adds the records to an array that the caller reuses.
   * @returns the hash at which the next bucket starts
   */
  addBucketFrom(hash: number, refs: number[]): number {
    const table = this.#tableOf(hash);
    for (let ref = table.first(hash); ref !== 0; ref = this.#records.next(ref)) {
      if (this.#records.hash(ref) >= hash) refs.push(ref);
    }
    return table.endOfBucket(hash);
  }

  #publishTable(): void {
    this.#smallTables[this.number] = this.#next === undefined ? this.#table.only : undefined;
  }

  /** Makes the reference to one record refer to another. */
  #relink(from: number, to: number): void {
    const hash = this.#records.hash(from);
    const table = this.#tableOf(hash);
    let ref = table.first(hash);
    if (ref === from) return table.setFirst(hash, to);
    for (; ref !== 0; ref = this.#records.next(ref)) {
      if (this.#records.next(ref) === from) return this.#records.setNext(ref, to);
    }
    throw new RangeError('a record that is not in its bucket');
  }

  #push(ref: number): void {
    const hash = this.#records.hash(ref);
    const table = this.#tableOf(hash);
    this.#records.setNext(ref, table.first(hash));
    table.setFirst(hash, ref);
  }

  #tableOf(hash: number): BucketTable {
    return this.#next !== undefined && hash < this.#boundary ? this.#next : this.#table;
  }

  /** Moves a few buckets to the table of the new size, or all buckets of a small table. */
  #move(next: BucketTable): void {
    const held = this.#table.byteCount + next.byteCount;
    const end = this.#endOfStep(next);
    next.reserve(end);
    while (this.#boundary < end) this.#moveBucket(next);
    this.#table.dropBelow(end);
    this.#budget.charge(this.#table.byteCount + next.byteCount - held);
    if (end === END_OF_HASHES) {
      this.#table = next;
      this.#next = undefined;
      this.#boundary = 0;
    }
    this.#publishTable();
  }

  #moveBucket(next: BucketTable): void {
    const hash = this.#boundary;
    let ref = this.#table.first(hash);
    // A larger table has several buckets for this one. A smaller table has this bucket and others in one.
    this.#boundary = this.#table.endOfBucket(hash);
    while (ref !== 0) {
      const after = this.#records.next(ref);
      const own = this.#records.hash(ref);
      this.#records.setNext(ref, next.first(own));
      next.setFirst(own, ref);
      ref = after;
    }
  }

  /** Returns the hash up to which one step moves buckets. It is a boundary of buckets in both tables. */
  #endOfStep(next: BucketTable): number {
    if (next.isSmall && (this.#table.isSmall || next.bits < this.#table.bits)) return END_OF_HASHES;
    const coarse = next.bits < this.#table.bits ? next : this.#table;
    let end = this.#boundary;
    for (let bucket = 0; bucket < BUCKETS_PER_STEP && end < END_OF_HASHES; bucket++)
      end = coarse.endOfBucket(end);
    return end;
  }
}

/** More than one, so that a table has grown long before it must grow again. */
const BUCKETS_PER_STEP = 4;
const MIN_BITS = 2;
const MAX_BITS = 26;
