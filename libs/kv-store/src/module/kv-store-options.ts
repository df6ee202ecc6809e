import type { Clock } from '../clock.js';
import type { EngineFactory } from '../engine/engine-factory.js';

export interface KvStoreOptions {
  /** Where the pairs are kept: in this process's memory, the default, or wherever another engine keeps them. */
  readonly engine?: 'memory' | EngineFactory;
  /** Default: the system's. */
  readonly clock?: Clock;
}
