/**
 * The buckets of a hash table. Each refers to the first of its records, or is 0 if it has none. A bucket is a range
 * of hashes: the top bits of a hash are its number. The buckets are in segments, so that a large table can grow and
 * shrink a few segments at a time.
 */
export class BucketTable {
  /** How many bytes the present segments have. */
  byteCount = 0;
  readonly bucketCount: number;
  /** A hash shifted right by this is the number of its bucket. */
  readonly #shift: number;
  /** How many hashes a bucket has. */
  readonly #width: number;
  readonly #segmentBytes: number;
  readonly #segments: (Uint32Array | undefined)[];
  /** How many segments from the start have been allocated, some of which may have been freed since. */
  #reserved = 0;
  #dropped = 0;

  constructor(readonly bits: number) {
    this.bucketCount = 2 ** bits;
    this.#shift = HASH_BITS - bits;
    this.#width = 2 ** this.#shift;
    this.#segmentBytes = 4 * Math.min(this.bucketCount, SEGMENT_BUCKETS);
    this.#segments = Array.from({ length: Math.ceil(this.bucketCount / SEGMENT_BUCKETS) });
  }

  /** Whether the table has a single segment. */
  get isSmall(): boolean {
    return this.bits <= SEGMENT_BITS;
  }

  /** All buckets of a small table, once they are allocated. */
  get only(): Uint32Array | undefined {
    return this.isSmall ? this.#segments[0] : undefined;
  }

  /** Returns the first record of the bucket of a hash. The bucket must be allocated. */
  first(hash: number): number {
    const bucket = hash >>> this.#shift;
    return this.#segments[bucket >>> SEGMENT_BITS]?.[bucket & SEGMENT_MASK] ?? 0;
  }

  setFirst(hash: number, ref: number): void {
    const bucket = hash >>> this.#shift;
    const segment = this.#segments[bucket >>> SEGMENT_BITS];
    if (segment === undefined) throw new RangeError('a bucket for which there is no room');
    segment[bucket & SEGMENT_MASK] = ref;
  }

  /** Returns the hash at which the next bucket starts. */
  endOfBucket(hash: number): number {
    return ((hash >>> this.#shift) + 1) * this.#width;
  }

  /** Returns how many bytes {@link reserve} would allocate. */
  missingBytes(endHash: number): number {
    return Math.max(0, this.#segmentsBefore(endHash) - this.#reserved) * this.#segmentBytes;
  }

  /** Allocates the buckets of all hashes below this one. */
  reserve(endHash: number): void {
    for (const end = this.#segmentsBefore(endHash); this.#reserved < end; this.#reserved++) {
      this.#segments[this.#reserved] = new Uint32Array(this.#segmentBytes / 4);
      this.byteCount += this.#segmentBytes;
    }
  }

  /** Frees the segments whose hashes are all below this one. */
  dropBelow(endHash: number): void {
    const end = Math.floor((endHash / (this.#width * this.#segmentBytes)) * 4);
    for (; this.#dropped < end; this.#dropped++) {
      this.#segments[this.#dropped] = undefined;
      this.byteCount -= this.#segmentBytes;
    }
  }

  #segmentsBefore(endHash: number): number {
    return Math.ceil((endHash / (this.#width * this.#segmentBytes)) * 4);
  }
}

/** As {@link BucketTable.first}, with the buckets of a small table alone. */
export function firstInSmallTable(buckets: Uint32Array, hash: number): number {
  return buckets[hash >>> (Math.clz32(buckets.length) + 1)] ?? 0;
}

/** The end of a walk through the hashes. */
export const END_OF_HASHES = 2 ** 32;

const HASH_BITS = 32;
const SEGMENT_BITS = 12;
const SEGMENT_BUCKETS = 2 ** SEGMENT_BITS;
const SEGMENT_MASK = SEGMENT_BUCKETS - 1;
