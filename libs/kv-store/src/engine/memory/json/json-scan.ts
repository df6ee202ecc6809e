import type { Clock } from '../../../clock.js';
import { isExpired } from '../../rules.js';
import type { EngineJsonScanOptions } from '../../storage-engine.js';
import type { MemoryPartition } from '../memory-partition.js';
import { END_OF_HASHES } from '../bucket-table.js';
import type { PairStore } from '../pair-store.js';
import { emptyRecord, type RawRecord } from '../raw-record.js';
import type { Records } from '../records.js';
import { JsonWriter } from './json-writer.js';
import { KeyPrefix } from './key-prefix.js';

/**
 * Writes the pairs of some partitions as JSON, straight from their memory: no pair becomes an object, and no text a string.
 * Writes may happen between two steps. Like `scanPartition`, the walk goes through the hashes in ascending order, and
 * here within a bucket too. So it has to remember only the hash at which it continues.
 */
export class JsonScan {
  readonly #writer: JsonWriter;
  readonly #prefix: KeyPrefix;
  /** Copies of pairs that need more than one step. */
  readonly #large: RawRecord[] = [];
  /** Reused for each bucket and each pair. */
  readonly #refs: number[] = [];
  readonly #record = emptyRecord();
  #nowMicros = 0;
  /** Buckets and pairs examined since the last step. */
  #examined = 0;

  readonly #store: PairStore;
  readonly #clock: Clock;

  constructor(store: PairStore, clock: Clock, options: EngineJsonScanOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#writer = new JsonWriter(options);
    this.#prefix = new KeyPrefix(options.idPrefix ?? '');
  }

  /** Yields chunks. Yields an empty one if a step ends before a chunk is full. */
  *chunks(partitions: readonly number[]): Generator<Uint8Array, void, undefined> {
    for (const number of partitions) {
      const partition = this.#store.partition(number);
      if (partition !== undefined && partition.pairCount > 0) yield* this.#walk(partition);
    }
    if (!this.#writer.isEmpty) yield this.#writer.flush();
  }

  *#walk(partition: MemoryPartition): Generator<Uint8Array, void, undefined> {
    for (let hash = 0; hash < END_OF_HASHES;) {
      this.#nowMicros = this.#clock.nowMicros();
      hash = this.#advance(partition, hash);
      for (let pair = this.#large.shift(); pair !== undefined; pair = this.#large.shift()) {
        for (let from = pair.keyStart; from < this.#writer.endOf(pair);) {
          if (this.#writer.isFull) yield this.#flush();
          from = this.#writer.write(pair, from, this.#nowMicros);
        }
      }
      if (this.#writer.isFull) yield this.#flush();
      else if (this.#examined >= MAX_EXAMINED) yield this.#pause();
    }
  }

  /** Writes pairs until a pause is due; returns the hash at which to continue. */
  #advance(partition: MemoryPartition, from: number): number {
    const { records } = this.#store;
    let hash = from;
    while (hash < END_OF_HASHES && !this.#isPauseDue) {
      const nextHash = this.#gather(partition, hash);
      let previous = 0;
      for (const ref of this.#refs) {
        // The walk can't stop between two keys of the same hash.
        if (this.#isPauseDue && (previous === 0 || records.hash(ref) !== records.hash(previous)))
          return records.hash(ref);
        this.#write(ref);
        previous = ref;
      }
      hash = nextHash;
    }
    return hash;
  }

  /**
   * Collects the records of the next buckets, in ascending order of their hashes. They can be anywhere in memory. By
   * reading many of them before it writes the first, the processor waits for several at a time.
   */
  #gather(partition: MemoryPartition, from: number): number {
    const refs = this.#refs;
    while (refs.length > 0) refs.pop();
    let hash = from;
    for (let buckets = 0; buckets < GATHERED_BUCKETS && hash < END_OF_HASHES; buckets++) {
      const first = refs.length;
      hash = partition.addBucketFrom(hash, refs);
      if (refs.length - first > 1) sortByHash(refs, first, this.#store.records);
      this.#examined += 1;
    }
    return hash;
  }

  get #isPauseDue(): boolean {
    return this.#writer.isFull || this.#examined >= MAX_EXAMINED || this.#large.length > 0;
  }

  #write(ref: number): void {
    this.#examined += 1;
    const record = this.#store.records.rawInto(ref, this.#record);
    if (isExpired(record.expiresAtMs, this.#nowMicros)) return;
    if (!this.#prefix.matches(this.#store.records, ref, record)) return;
    // The chunk may be full already if the pair has the hash of the pair before, because then it can't wait for the
    // next step.
    if (this.#writer.isSmall(record) && !this.#writer.isFull)
      this.#writer.write(record, record.keyStart, this.#nowMicros);
    else this.#large.push(this.#store.records.copy(ref));
  }

  #flush(): Uint8Array {
    this.#examined = 0;
    return this.#writer.flush();
  }

  #pause(): Uint8Array {
    this.#examined = 0;
    return NOTHING;
  }
}

const NOTHING = new Uint8Array(0);

const GATHERED_BUCKETS = 32;

/** A tenth of a millisecond or two of work if no pair matches. */
const MAX_EXAMINED = 2048;

/** Sorts a bucket's few records by insertion. */
function sortByHash(refs: number[], first: number, records: Records): void {
  for (let i = first + 1; i < refs.length; i++) {
    const ref = refs[i] ?? 0;
    const hash = records.hash(ref);
    let at = i;
    for (; at > first; at--) {
      const before = refs[at - 1] ?? 0;
      if (records.hash(before) <= hash) break;
      refs[at] = before;
    }
    refs[at] = ref;
  }
}
