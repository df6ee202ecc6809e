#!/usr/bin/env node
import { openHttp } from '@kvs/http-api';
import { orExit, serve } from '@kvs/server';
import { COMMAND, readConfig } from './config.js';
import { ProxyModule } from './proxy.module.js';

const { name, version } = COMMAND;
const config = orExit(name, () => readConfig(process.argv.slice(2)));
await serve({
  name,
  settings: config,
  addresses: { http: config },
  workers: config.workers,
  open: async ({ logger, budget }) => {
    const { app, listener, metrics } = await openHttp({
      title: 'kvs proxy',
      version,
      host: config.host,
      settings: config,
      module: ProxyModule.register(config, logger),
      methods: { '/cluster': ['GET', 'HEAD'] },
      refusesProxies: true,
      admission: budget.admissionOf('http'),
      logger,
    });
    return { listeners: [listener], metrics, close: () => app.close() };
  },
});
