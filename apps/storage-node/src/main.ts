#!/usr/bin/env node
import { openHttp } from '@kvs/http-api';
import { KvStore } from '@kvs/kv-store';
import { LinkServer } from '@kvs/node-link';
import { openRedis, redisAddress } from '@kvs/redis-api';
import { exitAtStart, orExit, serve, type ListenOptions } from '@kvs/server';
import { COMMAND, readConfig } from './config.js';
import { clusterMetrics } from './cluster/cluster-metrics.js';
import { ClusterMember } from './cluster/cluster-member.js';
import { CurrentOperations } from './cluster/current-operations.js';
import { EngineProvider } from './engine/engine-provider.js';
import { linkMetrics } from './link-metrics.js';
import { NodeCluster } from './redis/node-cluster.js';
import { StorageNodeModule } from './storage-node.module.js';

const { name, version } = COMMAND;
const config = orExit(name, () => readConfig(process.argv.slice(2)));
await serve({
  name,
  settings: config,
  addresses: { ...redisAddress(config.host, config.redisPort), http: config },
  open: async ({ logger, budget }) => {
    const { app, listener, metrics } = await openHttp({
      title: 'kvs storage node',
      version,
      host: config.host,
      settings: config,
      module: StorageNodeModule.register(config, logger, (error) => exitAtStart(name, error)),
      methods: {
        '/stats': ['GET', 'HEAD'],
        '/cluster/invitation': ['POST'],
        '/cluster/promotions': ['POST'],
      },
      upgrade: (app, metrics) => {
        const member = app.get(ClusterMember, { strict: false });
        const links = new LinkServer(app.get(CurrentOperations, { strict: false }), {
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
      logger,
    });
    const member = app.get(ClusterMember, { strict: false });
    const cluster = new NodeCluster(member);
    const redis =
      config.redisPort === 0
        ? undefined
        : openRedis({
            version,
            operations: app.get(CurrentOperations, { strict: false }),
            cluster,
            settings: config,
            admission: budget.admissionOf('redis'),
            onError: (error) => logger.error(error, 'unexpected error'),
          });
    if (redis !== undefined) metrics.add(redis.metrics);
    return {
      // A node says where it listens for Redis clients when it joins its cluster, and it joins when it listens for HTTP.
      listeners: redis === undefined ? [listener] : [redis.listener, listener],
      metrics,
      listening: (protocol, bound) => {
        if (protocol === 'http') return member.listening(addressOf(bound));
        member.listeningForRedis(bound.port);
        cluster.listening({ host: config.cluster.announceHost ?? bound.host, port: bound.port });
      },
      leave: () => member.leave(),
      close: async () => {
        await member.close();
        app.get(EngineProvider).stopChecks();
        await app.get(KvStore).close();
        await app.close();
      },
    };
  },
});

function addressOf({ host, port }: ListenOptions): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
