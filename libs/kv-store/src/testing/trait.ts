import type { StorageEngine } from '../engine/storage-engine.js';
import type { EngineSuiteOptions } from './engine-suite-options.js';
import type { ManualClock } from './manual-clock.js';

/** What one test of an engine works with. */
export interface EngineTestBench {
  /** New and empty; closed after the test. */
  readonly engine: StorageEngine;
  readonly clock: ManualClock;
  readonly options: EngineSuiteOptions;
}

/** One side of the engine contract: tests by the promise that each holds the engine to. */
export interface Trait {
  readonly title: string;
  readonly tests: Readonly<Record<string, EngineTest>>;
}

export type EngineTest = (bench: EngineTestBench) => Promise<void>;
