import type { StorageEngine } from '../engine/storage-engine.js';
import type { EngineSuiteOptions } from './engine-suite-options.js';
import type { ManualClock } from './manual-clock.js';

/** An engine under test, its clock and the options of the suite. */
export interface EngineTestBench {
  /** New and empty; closed after the test. */
  readonly engine: StorageEngine;
  readonly clock: ManualClock;
  readonly options: EngineSuiteOptions;
}

/** A part of the engine contract: a test for each promise. */
export interface Trait {
  readonly title: string;
  readonly tests: Readonly<Record<string, EngineTest>>;
}

export type EngineTest = (bench: EngineTestBench) => Promise<void>;
