#!/usr/bin/env node
import { serve } from '@kvs/http-api';
import { SnapshotError } from '@kvs/kv-store';
import { LinkServer } from '@kvs/node-transport';
import { NAME, readConfig, VERSION } from './config.js';
import { EngineStartError } from './engine/engine-start-error.js';
import { linkMetrics } from './link-metrics.js';
import { StorageNodeModule } from './storage-node.module.js';

const config = readConfig(process.argv.slice(2));
await serve({
  name: NAME,
  version: VERSION,
  title: 'kvs storage node',
  host: config.host,
  port: config.port,
  settings: config,
  methods: { '/stats': ['GET', 'HEAD'] },
  upgrade: (operations, logger, metrics) => {
    const onError = (error: unknown): void => logger.error(error, 'unexpected error');
    const links = new LinkServer(operations, { ...config, onError });
    metrics.add(linkMetrics(links));
    return links;
  },
  module: (logger) => StorageNodeModule.register(config, logger, exitWithoutEngine),
}).catch(exitWithoutEngine);

/** A node without its engine is of no use: what its owner can mend is one line on stderr. */
function exitWithoutEngine(error: unknown): never {
  if (!(error instanceof EngineStartError || error instanceof SnapshotError)) throw error;
  process.stderr.write(`${NAME}: ${error.message}\n`);
  process.exit(1);
}
