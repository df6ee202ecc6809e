import { HttpApiModule, METRICS_SOURCE, OPERATIONS, READINESS } from '@kvs/http-api';
import { KvStoreModule, type SnapshotLog } from '@kvs/kv-store';
import { Module, type DynamicModule } from '@nestjs/common';
import type { StorageNodeConfig } from './config.js';
import { EngineMetrics } from './engine-metrics.js';
import { EngineProvider } from './engine/engine-provider.js';
import { StatsController } from './stats.controller.js';
import { StoreOperations } from './store-operations.js';

/** The protocol over the one store of this process. */
@Module({})
export class StorageNodeModule {
  /** @param failed told why, when the engine cannot be opened while the node already listens */
  static register(
    config: StorageNodeConfig,
    log: SnapshotLog,
    failed: (error: unknown) => void,
  ): DynamicModule {
    const engine = new EngineProvider(config.engine, log, failed);
    return {
      module: StorageNodeModule,
      imports: [
        KvStoreModule.forRoot({ engine: engine.open }),
        HttpApiModule.register({
          limits: config.limits,
          providers: [
            StoreOperations,
            { provide: OPERATIONS, useExisting: StoreOperations },
            { provide: READINESS, useValue: engine },
            { provide: METRICS_SOURCE, useClass: EngineMetrics },
          ],
        }),
      ],
      providers: [{ provide: EngineProvider, useValue: engine }],
      controllers: [StatsController],
    };
  }
}
