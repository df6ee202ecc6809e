import type { Clock } from '../clock.js';
import type { EngineFactory } from '../engine/engine-factory.js';

export interface KvStoreOptions {
  /** Opens the engine. Default: the memory engine. */
  readonly engine?: 'memory' | EngineFactory;
  /** Default: the system's. */
  readonly clock?: Clock;
}
