import type { MaybePromise } from '@kvs/protocol';
import type { Clock } from '../clock.js';
import type { StorageEngine } from './storage-engine.js';

export interface EngineFactoryOptions {
  /** The engine's only source of time. */
  readonly clock: Clock;
}

/** Opens an engine. An engine's package exports a function that takes settings and returns such a factory. */
export type EngineFactory = (options: EngineFactoryOptions) => MaybePromise<StorageEngine>;
