import { HttpApiModule, LIMITS, OPERATIONS, READINESS } from '@kvs/http-api';
import type { Logger } from '@kvs/server';
import { endOfCallback, endOfTurn, NodeLink } from '@kvs/node-link';
import { FixedNodes, Router } from '@kvs/router';
import { Inject, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { ClusterMember } from './cluster/cluster-member.js';
import { ControlPlaneController } from './cluster/control-plane.controller.js';
import { ClusterController } from './cluster.controller.js';
import type { ProxyConfig } from './config.js';
import { LoopedNodes } from './looped-nodes.js';
import { NodesReadiness } from './nodes.readiness.js';

/** The protocol over the nodes of a configuration. */
@Module({})
export class ProxyModule implements OnApplicationShutdown {
  readonly #router: Router;

  constructor(@Inject(Router) router: Router) {
    this.#router = router;
  }

  /** @param member the proxy's part in a cluster; undefined if the nodes are a fixed list */
  static register(config: ProxyConfig, logger: Logger, member?: ClusterMember): DynamicModule {
    return {
      module: ProxyModule,
      imports: [
        RouterModule.register(config, logger, member),
        HttpApiModule.register({
          limits: config.limits,
          providers: [
            { provide: OPERATIONS, useExisting: Router },
            { provide: READINESS, useClass: NodesReadiness },
          ],
        }),
      ],
      providers: [{ provide: LIMITS, useValue: config.limits }],
      controllers: member === undefined ? [ClusterController] : [ClusterController, ControlPlaneController],
    };
  }

  onApplicationShutdown(): void {
    this.#router.close();
  }
}

/** The one router of the process, for the protocol's routes and for those of the proxy alone. */
@Module({})
class RouterModule {
  static register(config: ProxyConfig, logger: Logger, member: ClusterMember | undefined): DynamicModule {
    const loops = new LoopedNodes(logger);
    const router = {
      provide: Router,
      useFactory: () => {
        const { nodes, nodeTimeoutMs, limits, cluster } = config;
        // The fast path handles the requests of a turn in one callback; Express answers each in a callback of its own.
        const schedule = config.fastLane ? endOfCallback : endOfTurn;
        return new Router(
          member?.table ?? new FixedNodes(nodes),
          (address) =>
            new NodeLink(address, {
              nodeTimeoutMs,
              pairLimits: limits,
              maxBatchItems: limits.maxBatchItems,
              schedule,
              clusterId: () => member?.clusterId,
              foundNode: () => loops.delete(address),
              foundProxy: () => loops.add(address),
              onBreach: (message) => logger.warn(message),
            }),
          cluster && { failover: { waitMs: cluster.failoverWaitMs } },
        );
      },
    };
    return {
      module: RouterModule,
      global: true,
      providers: [
        router,
        { provide: LoopedNodes, useValue: loops },
        { provide: ClusterMember, useValue: member },
      ],
      exports: [router, LoopedNodes, ClusterMember],
    };
  }
}
