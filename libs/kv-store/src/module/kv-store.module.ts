import { Module, type DynamicModule, type FactoryProvider, type ModuleMetadata } from '@nestjs/common';
import type { MaybePromise } from '@kvs/protocol';
import { systemClock, type Clock } from '../clock.js';
import { MemoryEngine } from '../engine/memory/memory-engine.js';
import type { EngineFactory, StorageEngine } from '../engine/storage-engine.js';
import { KvStore } from '../store/kv-store.js';
import { KV_STORE_OPTIONS, KVS_CLOCK, STORAGE_ENGINE } from '../tokens.js';

/** Options of the store of an app. */
export interface KvStoreOptions {
  /** Opens the engine. Default: the memory engine. */
  readonly engine?: 'memory' | EngineFactory;
  /** Default: the clock of the system. */
  readonly clock?: Clock;
}

/** Options of the store that other providers of the app make. */
export interface KvStoreAsyncOptions
  extends Pick<ModuleMetadata, 'imports'>, Pick<FactoryProvider, 'inject'> {
  // Nest passes the arguments that `inject` names, which the type system cannot follow.
  readonly useFactory: FactoryProvider<MaybePromise<KvStoreOptions>>['useFactory'];
}

/**
 * Provides the {@link KvStore} of a Nest app. Import it once, in the root module; every other module injects
 * `KvStore`. The engine is opened before the app starts and closed after its servers have stopped.
 */
@Module({})
export class KvStoreModule {
  static forRoot(options: KvStoreOptions = {}): DynamicModule {
    return dynamicModule({ provide: KV_STORE_OPTIONS, useFactory: () => options });
  }

  /** For options from elsewhere, such as a configuration service. */
  static forRootAsync({ imports = [], inject = [], useFactory }: KvStoreAsyncOptions): DynamicModule {
    return dynamicModule({ provide: KV_STORE_OPTIONS, inject, useFactory }, imports);
  }
}

function dynamicModule(
  options: FactoryProvider<MaybePromise<KvStoreOptions>>,
  imports: DynamicModule['imports'] = [],
): DynamicModule {
  const clock: FactoryProvider<Clock> = {
    provide: KVS_CLOCK,
    inject: [KV_STORE_OPTIONS],
    useFactory: ({ clock: chosen = systemClock }: KvStoreOptions) => chosen,
  };
  const engine: FactoryProvider<MaybePromise<StorageEngine>> = {
    provide: STORAGE_ENGINE,
    inject: [KV_STORE_OPTIONS, KVS_CLOCK],
    useFactory: openEngine,
  };
  return {
    module: KvStoreModule,
    global: true,
    imports,
    providers: [options, clock, engine, KvStore],
    exports: [KvStore],
  };
}

function openEngine({ engine = 'memory' }: KvStoreOptions, clock: Clock): MaybePromise<StorageEngine> {
  if (typeof engine === 'function') return engine({ clock });
  if (engine === 'memory') return new MemoryEngine({ clock });
  throw new TypeError(`engine is 'memory' or an engine factory, not ${String(engine)}`);
}
