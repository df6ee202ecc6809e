import { HttpApiModule, OPERATIONS, READINESS, type Readiness } from '@kvs/http-api';
import { KvStoreModule } from '@kvs/kv-store';
import { Module, type DynamicModule } from '@nestjs/common';
import type { StorageNodeConfig } from './config.js';
import { StatsController } from './stats.controller.js';
import { StoreOperations } from './store-operations.js';

/** A store with an engine in memory answers from its first moment on. */
const ALWAYS_READY: Readiness = { check: () => Promise.resolve(undefined) };

/** The protocol over the one store of this process. */
@Module({})
export class StorageNodeModule {
  static register(config: StorageNodeConfig): DynamicModule {
    return {
      module: StorageNodeModule,
      imports: [
        KvStoreModule.forRoot({ engine: 'memory' }),
        HttpApiModule.register({
          limits: config.limits,
          providers: [
            { provide: OPERATIONS, useClass: StoreOperations },
            { provide: READINESS, useValue: ALWAYS_READY },
          ],
        }),
      ],
      controllers: [StatsController],
    };
  }
}
