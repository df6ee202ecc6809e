#!/usr/bin/env node
import { EXCLUSIVE_OPERATIONS, openHttp } from '@kvs/http-api';
import type { ExclusiveOperations } from '@kvs/protocol';
import { openRedis, redisAddress } from '@kvs/redis-api';
import { Router } from '@kvs/router';
import { exitAtStart, orExit, originOf, serve, type Logger } from '@kvs/server';
import type { ClusterConfig } from './cluster/cluster-config.js';
import { ClusterMember, type ClusterMemberOptions } from './cluster/cluster-member.js';
import { clusterMetrics } from './cluster/cluster-metrics.js';
import { CONTROL_PLANE_METHODS } from './cluster/control-plane.controller.js';
import { openTopologyStore } from './cluster/open-topology-store.js';
import { COMMAND, readConfig } from './config.js';
import { nodesMetrics } from './nodes-metrics.js';
import { ProxyModule } from './proxy.module.js';

const { name, version } = COMMAND;
const config = orExit(name, () => readConfig(process.argv.slice(2)));
await serve({
  name,
  settings: config,
  addresses: { http: config, ...redisAddress(config.host, config.redisPort) },
  workers: config.workers,
  open: async ({ logger, budget }) => {
    const member = config.cluster && (await openMember(config.cluster, config, logger));
    const { app, listener, metrics } = await openHttp({
      title: 'kvs proxy',
      version,
      host: config.host,
      settings: config,
      module: ProxyModule.register(config, logger, member),
      describe: () => import('./documentation.js'),
      methods: { '/cluster': ['GET', 'HEAD'], ...(member && CONTROL_PLANE_METHODS) },
      refusesProxies: true,
      admission: budget.admissionOf('http'),
      controlAdmission: budget.separateAdmissionOf('control_plane'),
      logger,
    });
    const router = app.get(Router, { strict: false });
    metrics.add(nodesMetrics(router));
    if (member !== undefined) metrics.add(clusterMetrics(member));
    const redis =
      config.redisPort === 0
        ? undefined
        : openRedis({
            version,
            // Those of HTTP, so that updates over both protocols wait for each other.
            operations: app.get<ExclusiveOperations>(EXCLUSIVE_OPERATIONS, { strict: false }),
            ...(member && { nowMicros: () => 1000 * member.timeMs }),
            settings: config,
            admission: budget.admissionOf('redis'),
            onError: (error) => logger.error(error, 'unexpected error'),
          });
    if (redis !== undefined) metrics.add(redis.metrics);
    return {
      listeners: redis === undefined ? [listener] : [listener, redis.listener],
      metrics,
      listening: (protocol, bound) => {
        if (protocol !== 'http') return;
        member?.listening(originOf(protocol, bound)).catch((error: unknown) => exitAtStart(name, error));
      },
      leave: () => member?.leave() ?? Promise.resolve(),
      close: async () => {
        await member?.close();
        await app.close();
      },
    };
  },
});

async function openMember(
  cluster: ClusterConfig,
  { nodes, maxInFlightRequests }: Pick<ClusterMemberOptions, 'nodes' | 'maxInFlightRequests'>,
  logger: Logger,
): Promise<ClusterMember> {
  const store = await openTopologyStore(cluster.topology, (error) => exitAtStart(name, error));
  return new ClusterMember({ config: cluster, nodes, maxInFlightRequests, store, logger });
}
