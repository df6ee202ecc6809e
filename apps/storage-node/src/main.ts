#!/usr/bin/env node
import { serve } from '@kvs/http-api';
import { exitAtStart, orExit } from '@kvs/server';
import { KvStore } from '@kvs/kv-store';
import { LinkServer } from '@kvs/node-link';
import { COMMAND, readConfig } from './config.js';
import { EngineProvider } from './engine/engine-provider.js';
import { linkMetrics } from './link-metrics.js';
import { StorageNodeModule } from './storage-node.module.js';
import { StoreOperations } from './store-operations.js';

const config = orExit(COMMAND.name, () => readConfig(process.argv.slice(2)));
await serve({
  name: COMMAND.name,
  version: COMMAND.version,
  title: 'kvs storage node',
  host: config.host,
  port: config.port,
  settings: config,
  methods: { '/stats': ['GET', 'HEAD'] },
  upgrade: (app, logger, metrics) => {
    const onError = (error: unknown): void => logger.error(error, 'unexpected error');
    const onBreach = (message: string): void => logger.warn(message);
    const links = new LinkServer(app.get(StoreOperations), { ...config, onError, onBreach });
    metrics.add(linkMetrics(links));
    return links;
  },
  close: async (app) => {
    app.get(EngineProvider).stopChecks();
    await app.get(KvStore).close();
  },
  module: (logger) => StorageNodeModule.register(config, logger, (error) => exitAtStart(COMMAND.name, error)),
});
