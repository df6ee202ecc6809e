import type { MaybePromise } from '@kvs/protocol';
import type { Clock } from '../clock.js';
import type { StorageEngine } from './storage-engine.js';

export interface EngineFactoryOptions {
  /** The engine's only source of time. */
  readonly clock: Clock;
}

/** How an engine is chosen: its package exports a function that takes the engine's settings and returns this. */
export type EngineFactory = (options: EngineFactoryOptions) => MaybePromise<StorageEngine>;
