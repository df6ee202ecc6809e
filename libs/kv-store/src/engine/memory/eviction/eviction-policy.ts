/** Which pair goes when room is needed. Told of every record that comes, goes, moves or is used. */
export interface EvictionPolicy {
  added(ref: number): void;
  /** Read or overwritten. */
  used(ref: number): void;
  /** The record is now elsewhere; the old slot can still be read. */
  moved(from: number, to: number): void;
  /** About to go, evicted or not. */
  removed(ref: number): void;
  /** The record to evict, 0 for none. The caller removes it. */
  victim(): number;
}

export type Eviction = 'none' | 'lru' | 'sieve';

export const EVICTIONS: readonly Eviction[] = ['none', 'lru', 'sieve'];

/** Evicts nothing: a full store refuses writes. */
export const noEviction: EvictionPolicy = Object.freeze({
  added: () => undefined,
  used: () => undefined,
  moved: () => undefined,
  removed: () => undefined,
  victim: () => 0,
});
