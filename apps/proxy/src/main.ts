#!/usr/bin/env node
import { serve } from '@kvs/http-api';
import { orExit } from '@kvs/server';
import { NAME, readConfig, VERSION } from './config.js';
import { ProxyModule } from './proxy.module.js';

const config = orExit(NAME, () => readConfig(process.argv.slice(2)));
await serve({
  name: NAME,
  version: VERSION,
  title: 'kvs proxy',
  host: config.host,
  port: config.port,
  settings: config,
  workers: config.workers,
  methods: { '/cluster': ['GET', 'HEAD'] },
  refusesProxies: true,
  module: (logger) => ProxyModule.register(config, logger),
});
