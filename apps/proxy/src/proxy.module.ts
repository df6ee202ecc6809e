import { HttpApiModule, METRICS_SOURCE, OPERATIONS, READINESS } from '@kvs/http-api';
import type { Logger } from '@kvs/server';
import { endOfCallback, endOfTurn, NodeDataTransport, ReadBuffers } from '@kvs/node-link';
import { Router, type NodeStats } from '@kvs/router';
import { HttpModule, HttpService } from '@nestjs/axios';
import { Inject, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { ClusterController } from './cluster.controller.js';
import type { ProxyConfig } from './config.js';
import { LoopedNodes } from './looped-nodes.js';
import { fetchStats } from './node-stats.js';
import { NodesMetrics } from './nodes-metrics.js';
import { NodesReadiness } from './nodes.readiness.js';

/** The protocol over the nodes of a configuration. */
@Module({})
export class ProxyModule implements OnApplicationShutdown {
  readonly #router: Router;

  constructor(@Inject(Router) router: Router) {
    this.#router = router;
  }

  static register(config: ProxyConfig, logger: Logger): DynamicModule {
    return {
      module: ProxyModule,
      imports: [
        RouterModule.register(config, logger),
        HttpApiModule.register({
          limits: config.limits,
          providers: [
            { provide: OPERATIONS, useExisting: Router },
            { provide: READINESS, useClass: NodesReadiness },
            { provide: METRICS_SOURCE, useClass: NodesMetrics },
          ],
        }),
      ],
      controllers: [ClusterController],
    };
  }

  onApplicationShutdown(): void {
    this.#router.close();
  }
}

/** The one router of the process, for the protocol's routes and for those of the proxy alone. */
@Module({})
class RouterModule {
  static register(config: ProxyConfig, logger: Logger): DynamicModule {
    const loops = new LoopedNodes(logger);
    const router = {
      provide: Router,
      inject: [HttpService],
      useFactory: (http: HttpService) => {
        const readBuffers = new ReadBuffers();
        return new Router(config.nodes, (address) => {
          const { nodeProtocol: protocol, nodeTimeoutMs, nodeConnections, limits } = config;
          const { maxBatchItems, maxAnswerBytes } = limits;
          const foundProxy = (): void => loops.add(address);
          const stats = (): Promise<NodeStats> => fetchStats(http, address, nodeTimeoutMs, loops);
          // The fast lane has gathered the requests of a turn already; Express answers each in a callback of its own.
          const schedule = config.fastLane ? endOfCallback : endOfTurn;
          return new NodeDataTransport(address, {
            protocol,
            nodeTimeoutMs,
            nodeConnections,
            maxBatchItems,
            maxAnswerBytes,
            pairLimits: limits,
            readBuffers,
            schedule,
            stats,
            foundProxy,
            onBreach: (message) => logger.warn(message),
          });
        });
      },
    };
    return {
      module: RouterModule,
      global: true,
      imports: [HttpModule],
      providers: [router, { provide: LoopedNodes, useValue: loops }],
      exports: [router, LoopedNodes],
    };
  }
}
