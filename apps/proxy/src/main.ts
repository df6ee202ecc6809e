#!/usr/bin/env node
import { serve } from '@kvs/http-api';
import { orExit } from '@kvs/server';
import { COMMAND, readConfig } from './config.js';
import { ProxyModule } from './proxy.module.js';

const config = orExit(COMMAND.name, () => readConfig(process.argv.slice(2)));
await serve({
  name: COMMAND.name,
  version: COMMAND.version,
  title: 'kvs proxy',
  host: config.host,
  port: config.port,
  settings: config,
  workers: config.workers,
  methods: { '/cluster': ['GET', 'HEAD'] },
  refusesProxies: true,
  module: (logger) => ProxyModule.register(config, logger),
});
