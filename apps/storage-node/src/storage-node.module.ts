import { HttpApiModule, LIMITS, OPERATIONS, READINESS, type Readiness } from '@kvs/http-api';
import { KvStore, KvStoreModule, type SnapshotLog } from '@kvs/kv-store';
import { Module, type DynamicModule } from '@nestjs/common';
import { ClusterMember } from './cluster/cluster-member.js';
import type { MemberLog } from './cluster/cluster-role.js';
import { ClusterController } from './cluster/cluster.controller.js';
import { NodeClock } from './cluster/node-clock.js';
import type { StorageNodeConfig } from './config.js';
import { EngineProvider } from './engine/engine-provider.js';
import { NodeFront } from './node-front.js';
import { StatsController } from './stats.controller.js';
import { StoreOperations } from './store-operations.js';

/** The protocol over the one store of this process. */
@Module({})
export class StorageNodeModule {
  /** @param failed told why, when the engine cannot be opened while the node already listens */
  static register(
    config: StorageNodeConfig,
    log: SnapshotLog & MemberLog,
    failed: (error: unknown) => void,
  ): DynamicModule {
    const engine = new EngineProvider(config.engine, log, failed);
    const clock = new NodeClock(config.cluster.join.length > 0);
    const operations = operationsModule(config, engine, clock, log);
    return {
      module: StorageNodeModule,
      imports: [
        KvStoreModule.forRoot({ engine: engine.open, clock }),
        operations,
        HttpApiModule.register({
          limits: config.limits,
          imports: [operations],
          providers: [
            { provide: OPERATIONS, useExisting: NodeFront },
            {
              provide: READINESS,
              inject: [ClusterMember],
              useFactory: (member: ClusterMember) => readiness(engine, member),
            },
          ],
        }),
      ],
      providers: [
        { provide: EngineProvider, useValue: engine },
        { provide: LIMITS, useValue: config.limits },
      ],
      controllers: [StatsController, ClusterController],
    };
  }
}

/** The operations of the node, by itself or in a cluster. */
@Module({})
class OperationsModule {}

function operationsModule(
  config: StorageNodeConfig,
  engine: EngineProvider,
  clock: NodeClock,
  log: MemberLog,
): DynamicModule {
  return {
    module: OperationsModule,
    providers: [
      StoreOperations,
      {
        provide: NodeFront,
        inject: [StoreOperations],
        useFactory: (alone: StoreOperations) => new NodeFront(alone),
      },
      {
        provide: ClusterMember,
        inject: [KvStore, StoreOperations, NodeFront],
        useFactory: (store: KvStore, alone: StoreOperations, front: NodeFront) =>
          new ClusterMember({
            config: config.cluster,
            leaveTimeoutMs: config.shutdownTimeoutMs,
            engine: () => engine.opened,
            store,
            clock,
            nowMs: () => performance.now(),
            alone,
            use: (operations) => front.use(operations),
            log,
          }),
      },
    ],
    exports: [NodeFront, ClusterMember],
  };
}

/** A node can serve if its engine can, and if it has joined its cluster. */
function readiness(engine: Readiness, member: ClusterMember): Readiness {
  return { check: async () => member.obstacle ?? engine.check() };
}
