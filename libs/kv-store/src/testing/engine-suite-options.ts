import type { MaybePromise } from '@kvs/protocol';
import type { EngineFactory, EngineFactoryOptions } from '../engine/engine-factory.js';
import type { StorageEngine } from '../engine/storage-engine.js';

/** How the suite gets at the engine under test. */
export interface EngineSuiteOptions {
  /** Opens a new, empty engine: called once for each test. Its clock stands still until the test moves it. */
  readonly create: EngineFactory;
  /**
   * Opens the engine that {@link create} made last, and that was closed since, in the same place again. Must
   * be given for a durable engine, and only for one.
   */
  readonly reopen?: EngineFactory;
  /**
   * Opens another engine on the pairs of the engine that {@link create} made last, while that one is open. Must be
   * given for a shared engine, and only for one.
   */
  readonly openAnother?: EngineFactory;
  /**
   * Opens a new, empty engine that holds no more than so many bytes, a few MiB. Given for an engine that has such a
   * limit and accounts for what it holds.
   */
  readonly createBounded?: (
    options: EngineFactoryOptions & { readonly maxBytes: number },
  ) => MaybePromise<StorageEngine>;
  /** Called after each test, when the engine is closed, to clean up behind it. */
  readonly dispose?: () => MaybePromise<void>;
}
