import { keyId, partitionOf, stringKey, stringValue } from '@kvs/protocol';
import { silentLogger } from '@kvs/server/testing';
import { NestFactory } from '@nestjs/core';
import { readConfig } from './config.js';
import { EngineProvider } from './engine/engine-provider.js';
import { StorageNodeModule } from './storage-node.module.js';

const KEY = stringKey('key');
const PLACED = { id: keyId(KEY), partition: partitionOf(KEY) };

it.each([
  ['a node by itself loses at once', [], 'absent'],
  [
    'a node with --join keeps until it knows the time of its cluster',
    ['--join', 'http://localhost:1'],
    'present',
  ],
])('pairs that have expired by the clock of the machine: %s', async (_, options, status) => {
  const config = readConfig(['localhost', '0', ...options]);
  const module = StorageNodeModule.register(config, silentLogger, () => undefined);
  const app = await NestFactory.createApplicationContext(module, { logger: false });
  try {
    const engine = await app.get(EngineProvider).opened;
    await engine.setMany([{ ...PLACED, value: stringValue('v'), expiresAtMs: 1000, ifVersion: undefined }]);
    expect(await engine.hasMany([PLACED])).toEqual([{ status }]);
  } finally {
    app.get(EngineProvider).stopChecks();
    await app.close();
  }
});
