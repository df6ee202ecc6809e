#!/usr/bin/env node
import { serve } from '@kvs/http-api';
import { readConfig, VERSION } from './config.js';
import { StorageNodeModule } from './storage-node.module.js';

const config = readConfig(process.argv.slice(2));
await serve({
  name: 'kvs-storage-node',
  version: VERSION,
  title: 'kvs storage node',
  host: config.host,
  port: config.port,
  settings: config,
  methods: { '/stats': ['GET', 'HEAD'] },
  module: () => StorageNodeModule.register(config),
});
