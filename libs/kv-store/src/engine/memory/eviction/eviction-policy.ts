/** Decides which pair to evict. The store tells it of every record that is added, removed, moved or used. */
export interface EvictionPolicy {
  added(ref: number): void;
  /** Read or overwritten. */
  used(ref: number): void;
  /** The record has moved. The old slot can still be read. */
  moved(from: number, to: number): void;
  /** The record is about to be removed, by eviction or otherwise. */
  removed(ref: number): void;
  /** Returns the record to evict, 0 if there is none. The caller removes it. */
  victim(): number;
}

/** Which pairs a full engine removes: none, the least recently used, or those that SIEVE chooses. */
export type Eviction = 'none' | 'lru' | 'sieve';

/** The names of all policies. */
export const EVICTIONS: readonly Eviction[] = ['none', 'lru', 'sieve'];

/** Evicts nothing. A full store refuses writes. */
export const noEviction: EvictionPolicy = Object.freeze({
  added: () => undefined,
  used: () => undefined,
  moved: () => undefined,
  removed: () => undefined,
  victim: () => 0,
});
