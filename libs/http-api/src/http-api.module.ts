import { exclusive } from '@kvs/protocol';
import { Module, type DynamicModule, type ModuleMetadata, type Provider } from '@nestjs/common';
import { ServerMetrics } from '@kvs/server';
import { BatchRoutes } from './routes/batch-routes.js';
import { DataController } from './routes/data.controller.js';
import { HealthController } from './routes/health.controller.js';
import { KeysController } from './routes/keys.controller.js';
import { MetricsController } from './routes/metrics.controller.js';
import { JsonBodyPipe } from './routes/raw-body.js';
import { EXCLUSIVE_OPERATIONS, LIMITS, OPERATIONS, type Limits } from './tokens.js';

/** The parts that the routes need. */
export interface HttpApiOptions {
  readonly limits: Limits;
  /** Modules whose exports the providers inject. */
  readonly imports?: ModuleMetadata['imports'];
  /** Must provide `OPERATIONS` and `READINESS`. */
  readonly providers: readonly Provider[];
}

/** The routes of the protocol over any `KeyValueOperations`. */
@Module({})
export class HttpApiModule {
  static register({ limits, imports = [], providers }: HttpApiOptions): DynamicModule {
    return {
      module: HttpApiModule,
      imports: [...imports],
      controllers: [DataController, KeysController, HealthController, MetricsController],
      providers: [
        { provide: LIMITS, useValue: limits },
        { provide: EXCLUSIVE_OPERATIONS, useFactory: exclusive, inject: [OPERATIONS] },
        BatchRoutes,
        ServerMetrics,
        JsonBodyPipe,
        ...providers,
      ],
    };
  }
}
