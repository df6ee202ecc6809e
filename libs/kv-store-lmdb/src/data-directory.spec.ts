import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { DIRECTORY_LOCK_FILE, TAKEOVER_MS } from '@kvs/kv-store';
import { ManualClock } from '@kvs/kv-store/testing';
import { keyId, stringKey, stringValue, type KvsError, type Scheduler } from '@kvs/protocol';
import { ManualTime } from '@kvs/protocol/testing';
import { DataDirectory } from './data-directory.js';
import { Environment } from './environment.js';
import { LmdbEngine } from './lmdb-engine.js';
import { impatientScheduler } from '../test/impatient-scheduler.js';
import { scratchDirectory, type ScratchDirectory } from '../test/scratch-directory.js';

const clock = new ManualClock();
let scratch: ScratchDirectory;
const open = (scheduler?: Scheduler, onLost?: (error: KvsError) => void): Promise<LmdbEngine> =>
  LmdbEngine.open({
    directory: scratch.path,
    clock,
    ...(scheduler && { scheduler }),
    ...(onLost && { onLost }),
  });
const PAIR = {
  id: keyId(stringKey('key')),
  partition: 0,
  value: stringValue('v'.repeat(100_000)),
  expiresAtMs: undefined,
  ifVersion: undefined,
};

beforeEach(() => (scratch = scratchDirectory()));
afterEach(() => {
  jest.restoreAllMocks();
  scratch.remove();
});

const inUseBy = (pid: number | undefined) =>
  expect.objectContaining({
    code: 'engine_unavailable',
    message: expect.stringContaining(`${scratch.path} is in use by process ${pid} `),
  });

it('a directory that another process has open is refused, until that process has ended, also if it was killed', async () => {
  const script = join(import.meta.dirname, '../test/writer.mjs');
  const other = spawn(process.execPath, [script, scratch.path, '0', 'sync'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(other.stdout, 'data');
  await expect(open()).rejects.toEqual(inUseBy(other.pid));
  other.stdout.resume();
  other.kill('SIGKILL');
  await once(other, 'exit');
  await (await open(impatientScheduler)).close();
});

it('a directory that this process has open is refused, until it is closed', async () => {
  const engine = await open();
  await expect(open()).rejects.toEqual(inUseBy(process.pid));
  expect(engine.stats().pairCount).toBe(0);
  await engine.close();
  expect(readdirSync(scratch.path)).not.toContain(DIRECTORY_LOCK_FILE);
  await (await open()).close();
});

it('a directory that could not be opened is free again, and its data file is closed', async () => {
  jest.spyOn(DataDirectory.prototype, 'withdrawClosed').mockRejectedValueOnce(new Error('the disk is away'));
  const close = jest.spyOn(Environment.prototype, 'close');
  await expect(open()).rejects.toMatchObject({
    code: 'engine_unavailable',
    message: `the data in ${scratch.path} cannot be opened: the disk is away`,
  });
  expect(close).toHaveBeenCalledTimes(1);
  expect(readdirSync(scratch.path)).not.toContain(DIRECTORY_LOCK_FILE);
  await (await open()).close();
});

it('an engine that was suspended until another took its directory refuses everything, and says so once', async () => {
  // The clock of expiry stands still, as it does in a node that has not joined its cluster.
  const losses: KvsError[] = [];
  const engine = await open(new ManualTime(), (error) => losses.push(error));
  await engine.setMany([PAIR]);
  const successor = await open(impatientScheduler);
  jest.spyOn(Date, 'now').mockReturnValue(Date.now() + TAKEOVER_MS);
  const takenOver = expect.objectContaining({
    code: 'engine_unavailable',
    message: expect.stringContaining(`${scratch.path} was taken over`),
  });
  await expect(engine.setMany([PAIR])).rejects.toEqual(takenOver);
  expect(engine.obstacle()).toContain('was taken over');
  expect(() => engine.getMany([PAIR])).toThrow(takenOver);
  expect(losses).toEqual([takenOver]);
  await engine.close();
  expect(successor.hasMany([PAIR])).toEqual([{ status: 'present' }]);
  await successor.close();
});

it('a directory of another format is refused by name', async () => {
  await (await open()).close();
  writeFileSync(join(scratch.path, 'format'), 'kvs-lmdb 99\n');
  await expect(open()).rejects.toThrow('has the format "kvs-lmdb 99"');
});

it.each([
  ['names no partition function', 'kvs-lmdb 1'],
  ['names another partition function', 'kvs-lmdb 1 crc16/2'],
])('a directory whose format %s is refused, and nothing in it changes', async (_, format) => {
  const engine = await open();
  await engine.setMany([PAIR]);
  await engine.close();
  writeFileSync(join(scratch.path, 'format'), `${format}\n`);
  const before = contents();
  await expect(open()).rejects.toMatchObject({
    code: 'engine_unavailable',
    message: expect.stringMatching(
      /^.* names .* partition function.*, but this version needs "crc16\/1"; .*$/,
    ),
  });
  expect(contents()).toEqual(before);
});

function contents(): Map<string, Buffer> {
  return new Map(readdirSync(scratch.path).map((name) => [name, readFileSync(join(scratch.path, name))]));
}

it('a directory that is the root of a file system is used', async () => {
  mkdirSync(join(scratch.path, 'lost+found'));
  await (await open()).close();
});

it("a directory of someone else's files is left alone", async () => {
  writeFileSync(join(scratch.path, 'thesis.txt'), 'all of it');
  await expect(open()).rejects.toThrow('holds other files');
  expect(readdirSync(scratch.path)).toEqual(['thesis.txt']);
});

it('a data file that is not LMDB’s is refused', async () => {
  await (await open()).close();
  writeFileSync(join(scratch.path, 'data.mdb'), Buffer.alloc(100_000, 'x'));
  await expect(open()).rejects.toThrow('is corrupt');
});

it('a data file whose end is missing is refused', async () => {
  const engine = await open();
  await engine.setMany([PAIR]);
  await engine.close();
  truncateSync(join(scratch.path, 'data.mdb'), 40_960);
  await expect(open()).rejects.toThrow('its end is missing');
});
