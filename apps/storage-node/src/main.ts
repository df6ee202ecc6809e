#!/usr/bin/env node
import { openHttp } from '@kvs/http-api';
import { KvStore } from '@kvs/kv-store';
import { LinkServer } from '@kvs/node-link';
import { exitAtStart, orExit, serve } from '@kvs/server';
import { COMMAND, readConfig } from './config.js';
import { EngineProvider } from './engine/engine-provider.js';
import { linkMetrics } from './link-metrics.js';
import { StorageNodeModule } from './storage-node.module.js';
import { StoreOperations } from './store-operations.js';

const { name, version } = COMMAND;
const config = orExit(name, () => readConfig(process.argv.slice(2)));
await serve({
  name,
  settings: config,
  addresses: { http: config },
  open: async ({ logger, budget }) => {
    const { app, listener, metrics } = await openHttp({
      title: 'kvs storage node',
      version,
      host: config.host,
      settings: config,
      module: StorageNodeModule.register(config, logger, (error) => exitAtStart(name, error)),
      methods: { '/stats': ['GET', 'HEAD'] },
      upgrade: (app, metrics) => {
        const links = new LinkServer(app.get(StoreOperations), {
          ...config,
          admission: budget.admissionOf('link'),
          onError: (error) => logger.error(error, 'unexpected error'),
          onBreach: (message) => logger.warn(message),
        });
        metrics.add(linkMetrics(links));
        return links;
      },
      admission: budget.admissionOf('http'),
      logger,
    });
    return {
      listeners: [listener],
      metrics,
      close: async () => {
        app.get(EngineProvider).stopChecks();
        await app.get(KvStore).close();
        await app.close();
      },
    };
  },
});
