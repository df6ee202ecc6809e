import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ManualClock } from '@kvs/kv-store/testing';
import { keyId, stringKey, stringValue } from '@kvs/protocol';
import { LmdbEngine } from './lmdb-engine.js';
import type { ScratchDirectory } from './testing/scratch-directory.js';
import { scratchDirectory } from './testing/scratch-directory.js';

const clock = new ManualClock();
let scratch: ScratchDirectory;
const open = (): LmdbEngine => new LmdbEngine({ directory: scratch.path, clock });

beforeEach(() => (scratch = scratchDirectory()));
afterEach(() => scratch.remove());

it('a directory that another process has open is refused, until that process is gone, however it went', async () => {
  const script = join(import.meta.dirname, 'testing/writer.mjs');
  const other = spawn(process.execPath, [script, scratch.path, '0', 'sync'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(other.stdout, 'data');
  expect(open).toThrow(`in use by process ${other.pid}`);
  expect(open).toThrow(expect.objectContaining({ code: 'engine_unavailable' }));
  other.stdout.resume();
  other.kill('SIGKILL');
  await once(other, 'exit');
  await open().close();
});

it('a directory that this process has open is refused, until it is closed', async () => {
  const engine = open();
  expect(open).toThrow(`in use by process ${process.pid}`);
  expect(engine.stats().pairCount).toBe(0);
  await engine.close();
  await open().close();
});

it('a directory of another format is refused by name', async () => {
  await open().close();
  writeFileSync(join(scratch.path, 'format'), 'kvs-lmdb 99\n');
  expect(open).toThrow('has the format "kvs-lmdb 99"');
});

it("a directory of someone else's files is left alone", () => {
  writeFileSync(join(scratch.path, 'thesis.txt'), 'all of it');
  expect(open).toThrow('holds other files');
});

it('a data file that is not LMDB’s is refused', async () => {
  await open().close();
  writeFileSync(join(scratch.path, 'data.mdb'), Buffer.alloc(100_000, 'x'));
  expect(open).toThrow('is corrupt');
});

it('a data file whose end is missing is refused', async () => {
  const engine = open();
  const value = stringValue('v'.repeat(100_000));
  const key = { id: keyId(stringKey('key')), partition: 0 };
  await engine.setMany([{ ...key, value, expiresAtMs: undefined, ifVersion: undefined }]);
  await engine.close();
  truncateSync(join(scratch.path, 'data.mdb'), 40_960);
  expect(open).toThrow('its end is missing');
});
