#!/usr/bin/env node
import { serve } from '@kvs/http-api';
import { readConfig, VERSION } from './config.js';
import { ProxyModule } from './proxy.module.js';

const config = readConfig(process.argv.slice(2));
await serve({
  name: 'kvs-proxy',
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
