import { EXCLUSIVE_OPERATIONS, openHttp, type OpenHttp } from '@kvs/http-api';
import type { ExclusiveOperations } from '@kvs/protocol';
import { openRedis, redisAddress, type OpenRedis } from '@kvs/redis-api';
import { Router } from '@kvs/router';
import { originOf, type OpenServer, type ServerParts, type StartOptions } from '@kvs/server';
import type { INestApplicationContext } from '@nestjs/common';
import { ClusterMember } from './cluster/cluster-member.js';
import { clusterMetrics } from './cluster/cluster-metrics.js';
import { CONTROL_PLANE_METHODS } from './cluster/control-plane.controller.js';
import { openTopologyStore } from './cluster/open-topology-store.js';
import { COMMAND, type ProxyConfig } from './config.js';
import { nodesMetrics } from './nodes-metrics.js';
import { ProxyModule } from './proxy.module.js';

/**
 * Returns a proxy that can be started.
 *
 * @param failed told why, when the proxy can't go on: its topology is not valid, or another process has taken its file
 */
export function proxy(config: ProxyConfig, failed: (error: unknown) => void): StartOptions {
  return {
    name: COMMAND.name,
    settings: config,
    addresses: { http: config, ...redisAddress(config.host, config.redisPort) },
    open: (parts) => openProxy(config, parts, failed),
  };
}

async function openProxy(
  config: ProxyConfig,
  parts: ServerParts,
  failed: (error: unknown) => void,
): Promise<OpenServer> {
  const member = await openMember(config, parts, failed);
  const { app, listener, metrics } = await openProxyHttp(config, parts, member);
  metrics.add(nodesMetrics(app.get(Router, { strict: false })));
  if (member !== undefined) metrics.add(clusterMetrics(member));
  const redis = config.redisPort === 0 ? undefined : openProxyRedis(config, parts, app, member);
  if (redis !== undefined) metrics.add(redis.metrics);
  return {
    listeners: redis === undefined ? [listener] : [listener, redis.listener],
    metrics,
    listening: (protocol, bound) => {
      if (protocol === 'http') member?.listening(originOf(protocol, bound)).catch(failed);
    },
    leave: () => member?.leave() ?? Promise.resolve(),
    close: async () => {
      await member?.close();
      await app.close();
    },
  };
}

function openProxyHttp(
  config: ProxyConfig,
  { logger, budget }: ServerParts,
  member: ClusterMember | undefined,
): Promise<OpenHttp> {
  return openHttp({
    title: 'kvs proxy',
    version: COMMAND.version,
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
}

function openProxyRedis(
  config: ProxyConfig,
  { logger, budget }: ServerParts,
  app: INestApplicationContext,
  member: ClusterMember | undefined,
): OpenRedis {
  return openRedis({
    version: COMMAND.version,
    // Those of HTTP, so that updates over both protocols wait for each other.
    operations: app.get<ExclusiveOperations>(EXCLUSIVE_OPERATIONS, { strict: false }),
    ...(member && { nowMicros: () => 1000 * member.timeMs }),
    settings: config,
    admission: budget.admissionOf('redis'),
    onError: (error) => logger.error(error, 'unexpected error'),
  });
}

async function openMember(
  { cluster, nodes, maxInFlightRequests }: ProxyConfig,
  { logger }: ServerParts,
  failed: (error: unknown) => void,
): Promise<ClusterMember | undefined> {
  if (cluster === undefined) return undefined;
  const store = await openTopologyStore(cluster.topology, failed);
  return new ClusterMember({ config: cluster, nodes, maxInFlightRequests, store, logger });
}
