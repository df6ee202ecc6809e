/**
 * The buckets of a hash table: each refers to the first of its records, 0 being none. A bucket is a range of hashes,
 * the top bits of a hash its number. Lies in segments, so that a large table comes and goes bit by bit.
 */
export class BucketTable {
  /** Of what is there. */
  byteCount = 0;
  readonly bucketCount: number;
  /** A bucket's number is its hashes shifted right by so much. */
  readonly shift: number;
  /** How many hashes a bucket has. */
  readonly #width: number;
  readonly #segmentBytes: number;
  readonly #segments: (Uint32Array | undefined)[];
  /** Segments before are there, or were. */
  #reserved = 0;
  #dropped = 0;

  constructor(readonly bits: number) {
    this.bucketCount = 2 ** bits;
    this.shift = HASH_BITS - bits;
    this.#width = 2 ** this.shift;
    this.#segmentBytes = 4 * Math.min(this.bucketCount, SEGMENT_BUCKETS);
    this.#segments = Array.from({ length: Math.ceil(this.bucketCount / SEGMENT_BUCKETS) });
  }

  /** Whether all of it is one segment. */
  get isSmall(): boolean {
    return this.bits <= SEGMENT_BITS;
  }

  /** All buckets of a small table, once there is room for them. */
  get only(): Uint32Array | undefined {
    return this.isSmall ? this.#segments[0] : undefined;
  }

  /** The first record of the bucket that has this hash, for which there must be room. */
  first(hash: number): number {
    const bucket = hash >>> this.shift;
    return this.#segments[bucket >>> SEGMENT_BITS]?.[bucket & SEGMENT_MASK] ?? 0;
  }

  setFirst(hash: number, ref: number): void {
    const bucket = hash >>> this.shift;
    const segment = this.#segments[bucket >>> SEGMENT_BITS];
    if (segment === undefined) throw new RangeError('a bucket for which there is no room');
    segment[bucket & SEGMENT_MASK] = ref;
  }

  /** The hash at which the next bucket starts. */
  endOfBucket(hash: number): number {
    return ((hash >>> this.shift) + 1) * this.#width;
  }

  /** The bytes that {@link reserve} would take. */
  missingBytes(endHash: number): number {
    return Math.max(0, this.#segmentsBefore(endHash) - this.#reserved) * this.#segmentBytes;
  }

  /** Makes room for the buckets of all hashes below this one. */
  reserve(endHash: number): void {
    for (const end = this.#segmentsBefore(endHash); this.#reserved < end; this.#reserved++) {
      this.#segments[this.#reserved] = new Uint32Array(this.#segmentBytes / 4);
      this.byteCount += this.#segmentBytes;
    }
  }

  /** Lets go of the segments all of whose hashes are below this one. */
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

/** Where a walk through the hashes ends. */
export const END_OF_HASHES = 2 ** 32;

const HASH_BITS = 32;
const SEGMENT_BITS = 12;
const SEGMENT_BUCKETS = 2 ** SEGMENT_BITS;
const SEGMENT_MASK = SEGMENT_BUCKETS - 1;
