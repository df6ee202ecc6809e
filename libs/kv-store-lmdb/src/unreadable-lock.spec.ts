import { mkdirSync, renameSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { DIRECTORY_LOCK_FILE, TAKEOVER_MS, type EngineWrite } from '@kvs/kv-store';
import { ManualClock } from '@kvs/kv-store/testing';
import { keyId, stringKey, stringValue } from '@kvs/protocol';
import { ManualTime } from '@kvs/protocol/testing';
import { LmdbEngine } from './lmdb-engine.js';
import { scratchDirectory, type ScratchDirectory } from '../test/scratch-directory.js';

const PARTITION = 3;

let scratch: ScratchDirectory;
let lockClock: ManualClock;
let engine: LmdbEngine;
beforeEach(async () => {
  scratch = scratchDirectory();
  lockClock = new ManualClock();
  const [clock, scheduler] = [new ManualClock(), new ManualTime()];
  engine = await LmdbEngine.open({ directory: scratch.path, clock, lockClock, scheduler });
});
afterEach(async () => {
  await engine.close();
  scratch.remove();
});

const lock = (): string => join(scratch.path, DIRECTORY_LOCK_FILE);
const elsewhere = (): string => join(scratch.path, 'elsewhere');

/** Has each read of the lock fail, as it does while the process has no file descriptor left. */
function hideLock(): void {
  renameSync(lock(), elsewhere());
  mkdirSync(lock());
  lockClock.advanceMs(TAKEOVER_MS);
}

function showLock(): void {
  rmdirSync(lock());
  renameSync(elsewhere(), lock());
}

const unavailable = expect.objectContaining({
  code: 'engine_unavailable',
  message: expect.stringMatching(/^the lock of \S+ cannot be read: EISDIR/),
});

it('while the lock cannot be read, changes are refused and reads go on', async () => {
  await engine.setMany([write('before')]);
  hideLock();
  await expect(engine.setMany([write('during')])).rejects.toEqual(unavailable);
  await expect(engine.deleteMany([write('before')])).rejects.toEqual(unavailable);
  expect(engine.obstacle()).toMatch('cannot be read: EISDIR');
  expect(engine.hasMany([write('before'), write('during')])).toEqual([
    { status: 'present' },
    { status: 'absent' },
  ]);
  showLock();
  expect(engine.obstacle()).toBeUndefined();
  expect(await engine.setMany([write('after')])).toMatchObject([{ status: 'written' }]);
});

it('the changes of a copy are refused as well, and go on from the same position', async () => {
  await engine.replication.start();
  await engine.replication.write(PARTITION, [write('before')], 7);
  hideLock();
  const { replication } = engine;
  await expect(replication.write(PARTITION, [write('during')], 7)).rejects.toEqual(unavailable);
  await expect(replication.apply(PARTITION, [], 9)).rejects.toEqual(unavailable);
  await expect(replication.clear(PARTITION, { epoch: 8, number: 0 }, 'complete')).rejects.toEqual(
    unavailable,
  );
  expect(replication.isFull()).toBe(false);
  showLock();
  await replication.write(PARTITION, [write('after')], 7);
  expect(replication.position(PARTITION)).toEqual({ epoch: 7, number: 2 });
});

function write(name: string): EngineWrite {
  return {
    id: keyId(stringKey(name)),
    partition: PARTITION,
    value: stringValue('v'),
    expiresAtMs: undefined,
    ifVersion: undefined,
  };
}
