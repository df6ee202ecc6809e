import { openHttp, type OpenHttp } from '@kvs/http-api';
import { KVS_CLOCK, KvStore, type Clock } from '@kvs/kv-store';
import { LinkServer } from '@kvs/node-link';
import { addressOf } from '@kvs/protocol';
import { openRedis, redisAddress, type OpenRedis } from '@kvs/redis-api';
import type { OpenServer, ServerParts, StartOptions } from '@kvs/server';
import type { DynamicModule, INestApplicationContext } from '@nestjs/common';
import { COMMAND, type StorageNodeConfig } from './config.js';
import { clusterMetrics } from './cluster/cluster-metrics.js';
import { ClusterMember } from './cluster/cluster-member.js';
import { engineMetrics } from './engine-metrics.js';
import { EngineProvider } from './engine/engine-provider.js';
import { linkMetrics } from './link-metrics.js';
import { NodeFront } from './node-front.js';
import { NodeCluster } from './redis/node-cluster.js';
import { StorageNodeModule } from './storage-node.module.js';

/**
 * Returns a storage node that can be started.
 *
 * @param failed told why, when the engine can't be opened while the node already listens, or can't go on
 * @param opened told when the engine is open
 */
export function storageNode(
  config: StorageNodeConfig,
  failed: (error: unknown) => void,
  opened: () => void = () => undefined,
): StartOptions {
  return {
    name: COMMAND.name,
    settings: config,
    addresses: { ...redisAddress(config.host, config.redisPort), http: config },
    open: (parts) =>
      openNode(config, parts, StorageNodeModule.register(config, parts.logger, failed), opened),
  };
}

async function openNode(
  config: StorageNodeConfig,
  parts: ServerParts,
  module: DynamicModule,
  opened: () => void,
): Promise<OpenServer> {
  const { app, listener, metrics } = await openNodeHttp(config, parts, module);
  void app.get(EngineProvider).opened.then(opened);
  const store = app.get(KvStore);
  metrics.add(engineMetrics(store));
  const member = app.get(ClusterMember, { strict: false });
  const cluster = new NodeCluster(member);
  const redis = config.redisPort === 0 ? undefined : openNodeRedis(config, parts, app, cluster);
  if (redis !== undefined) metrics.add(redis.metrics);
  return {
    // A node says where it listens for Redis clients when it joins its cluster, and it joins when it listens for HTTP.
    listeners: redis === undefined ? [listener] : [redis.listener, listener],
    metrics,
    listening: (protocol, bound) => {
      if (protocol === 'http') return member.listening(addressOf(bound.host, bound.port));
      member.listeningForRedis(bound.port);
      cluster.listening({ host: config.cluster.announceHost ?? bound.host, port: bound.port });
    },
    leave: () => member.leave(),
    close: async () => {
      await member.close();
      app.get(EngineProvider).stopChecks();
      await store.close();
      await app.close();
    },
  };
}

function openNodeHttp(
  config: StorageNodeConfig,
  { logger, budget }: ServerParts,
  module: DynamicModule,
): Promise<OpenHttp> {
  return openHttp({
    title: 'kvs storage node',
    version: COMMAND.version,
    host: config.host,
    settings: config,
    module,
    describe: () => import('./documentation.js'),
    methods: {
      '/stats': ['GET', 'HEAD'],
      '/cluster/invitation': ['POST'],
      '/cluster/promotions': ['POST'],
    },
    upgrade: (app, metrics) => {
      const member = app.get(ClusterMember, { strict: false });
      const links = new LinkServer(app.get(NodeFront, { strict: false }), {
        ...config,
        peers: member.receiver,
        admission: budget.admissionOf('link'),
        onError: (error) => logger.error(error, 'unexpected error'),
        onBreach: (message) => logger.warn(message),
      });
      metrics.add(linkMetrics(links));
      metrics.add(clusterMetrics(member));
      return links;
    },
    admission: budget.admissionOf('http'),
    controlAdmission: budget.separateAdmissionOf('control_plane'),
    logger,
  });
}

function openNodeRedis(
  config: StorageNodeConfig,
  { logger, budget }: ServerParts,
  app: INestApplicationContext,
  cluster: NodeCluster,
): OpenRedis {
  const engine = app.get(EngineProvider);
  const clock = app.get<Clock>(KVS_CLOCK, { strict: false });
  return openRedis({
    version: COMMAND.version,
    operations: app.get(NodeFront, { strict: false }),
    cluster,
    memory: () => engine.memory,
    nowMicros: () => clock.nowMicros(),
    settings: config,
    admission: budget.admissionOf('redis'),
    onError: (error) => logger.error(error, 'unexpected error'),
  });
}
