import { cpSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineWrite } from '@kvs/kv-store';
import { ManualClock } from '@kvs/kv-store/testing';
import { keyId, stringKey, stringValue } from '@kvs/protocol';
import { LmdbEngine } from './lmdb-engine.js';
import { scratchDirectory, type ScratchDirectory } from '../test/scratch-directory.js';

let scratch: ScratchDirectory;
let directory = '';
let engine: LmdbEngine;
beforeEach(async () => {
  scratch = scratchDirectory();
  directory = join(scratch.path, 'data');
  const clock = new ManualClock();
  // Otherwise the lock would be missed first on a slow machine.
  engine = await LmdbEngine.open({ directory, clock, lockClock: clock });
  await engine.setMany([write('before')]);
});
afterEach(async () => {
  await engine.close();
  scratch.remove();
});

const file = (): string => join(directory, 'data.mdb');
const elsewhere = (): string => join(scratch.path, 'elsewhere');

it.each([
  ['moved', () => renameSync(file(), elsewhere())],
  ['deleted', () => rmSync(file())],
  ['replaced by a copy', () => (renameSync(file(), elsewhere()), cpSync(elsewhere(), file()))],
  ['deleted with its directory', () => rmSync(directory, { recursive: true })],
  ['replaced with its directory', () => (renameSync(directory, elsewhere()), mkdirSync(directory))],
])('once the data file was %s, the next write is refused, and then everything', async (_, lose) => {
  lose();
  const unavailable = expect.objectContaining({
    code: 'engine_unavailable',
    message: expect.stringContaining(file()),
  });
  await expect(engine.setMany([write('after')])).rejects.toEqual(unavailable);
  await expect(engine.deleteMany([write('before')])).rejects.toEqual(unavailable);
  expect(() => engine.getMany([write('before')])).toThrow(unavailable);
  expect(() => engine.stats()).toThrow(unavailable);
  expect(engine.obstacle()).toContain(file());
});

it('writes that were waiting for their commit are refused as well', async () => {
  const writes = ['a', 'b'].map((key) => engine.setMany([write(key)]));
  rmSync(file());
  const settled = await Promise.allSettled(writes);
  expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});

it('once the data file is back, the engine serves again with all acknowledged pairs', async () => {
  renameSync(file(), elsewhere());
  await expect(engine.setMany([write('refused')])).rejects.toThrow();
  await expect(engine.replication.start()).rejects.toMatchObject({ code: 'engine_unavailable' });
  renameSync(elsewhere(), file());
  expect(engine.obstacle()).toBeUndefined();
  await engine.setMany([write('after')]);
  const statuses = engine.hasMany([write('before'), write('refused'), write('after')]).map((o) => o.status);
  expect(statuses).toEqual(['present', 'absent', 'present']);
  expect(await engine.replication.start()).toMatchObject({ starts: 1 });
});

function write(name: string): EngineWrite {
  return {
    id: keyId(stringKey(name)),
    partition: 3,
    value: stringValue('v'),
    expiresAtMs: undefined,
    ifVersion: undefined,
  };
}
