import type { Records } from '../records.js';
import { noEviction, type Eviction, type EvictionPolicy } from './eviction-policy.js';
import { LruPolicy } from './lru-policy.js';
import { SievePolicy } from './sieve-policy.js';

export function createPolicy(eviction: Eviction, records: Records): EvictionPolicy {
  switch (eviction) {
    case 'none':
      return noEviction;
    case 'lru':
      return new LruPolicy(records);
    case 'sieve':
      return new SievePolicy(records);
  }
}
