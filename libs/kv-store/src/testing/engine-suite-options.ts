import type { MaybePromise } from '@kvs/protocol';
import type { EngineFactory, EngineFactoryOptions, StorageEngine } from '../engine/storage-engine.js';

/** How the suite opens the engine under test. */
export interface EngineSuiteOptions {
  /** Opens a new, empty engine. Called once for each test. Its clock stands still until the test moves it. */
  readonly create: EngineFactory;
  /**
   * Opens the engine that {@link create} opened last, and that was closed since, with the same data. Required for a
   * durable engine, and only for one.
   */
  readonly reopen?: EngineFactory;
  /**
   * Opens another engine on the pairs of the engine that {@link create} opened last, which is still open. Required
   * for a shared engine, and only for one.
   */
  readonly openAnother?: EngineFactory;
  /**
   * For an engine with the optional role `replication`, and only for one: whether it keeps boot id and positions only while
   * it is open, or also across restarts.
   */
  readonly replicates?: 'while open' | 'across restarts';
  /**
   * Opens a new, empty engine with a limit of `maxBytes`, a few MiB. For an engine that has such a limit and
   * counts its memory.
   */
  readonly createBounded?: (
    options: EngineFactoryOptions & { readonly maxBytes: number },
  ) => MaybePromise<StorageEngine>;
  /** Called after each test, when the engine is closed, to clean up. */
  readonly dispose?: () => MaybePromise<void>;
}
