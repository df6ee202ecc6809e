import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { DIRECTORY_LOCK_FILE, type EngineIdentity, type EngineWrite } from '@kvs/kv-store';
import { ManualClock } from '@kvs/kv-store/testing';
import { keyId, stringKey, stringValue } from '@kvs/protocol';
import { DataDirectory } from './data-directory.js';
import { Environment } from './environment.js';
import { LmdbEngine } from './lmdb-engine.js';
import { impatientScheduler } from '../test/impatient-scheduler.js';
import { scratchDirectory, type ScratchDirectory } from '../test/scratch-directory.js';

const [MONDAY, TUESDAY, WEDNESDAY] = ['started on Monday', 'started on Tuesday', 'started on Wednesday'];
const PARTITION = 3;
const WRITE: EngineWrite = {
  id: keyId(stringKey('key')),
  partition: PARTITION,
  value: stringValue('v'),
  expiresAtMs: undefined,
  ifVersion: undefined,
};

let scratch: ScratchDirectory;
let directory = '';
beforeEach(() => {
  scratch = scratchDirectory();
  directory = join(scratch.path, 'data');
});
afterEach(() => scratch.remove());

const open = (machine: string): Promise<LmdbEngine> =>
  LmdbEngine.open({ directory, clock: new ManualClock(), scheduler: impatientScheduler, machine });
const closedFile = (): string => join(directory, 'closed');

/** Opens the directory on a machine, starts to replicate, writes, and closes it. */
async function runOn(machine: string): Promise<EngineIdentity> {
  const engine = await open(machine);
  const identity = await engine.replication.start();
  await engine.replication.write(PARTITION, [WRITE], 1);
  await engine.close();
  return identity;
}

/** Returns the identity of the pairs at the next start on a machine. */
async function identityOn(machine: string): Promise<EngineIdentity> {
  const engine = await open(machine);
  const identity = await engine.replication.start();
  await engine.close();
  return identity;
}

/** Leaves the directory as it is now, as if the power failed now and the disk had everything. */
function losePower(): void {
  const copy = join(scratch.path, 'copy');
  cpSync(directory, copy, { recursive: true });
  directory = copy;
}

it('a directory that was closed keeps its boot id after restarts of the machine', async () => {
  const { bootId } = await runOn(MONDAY);
  expect(await runOn(TUESDAY)).toMatchObject({ bootId, starts: 2 });
  expect(await identityOn(WEDNESDAY)).toMatchObject({ bootId, starts: 3 });
});

describe('a directory has a new boot id after a restart of the machine if the power failed', () => {
  let bootId: string;
  beforeEach(async () => {
    ({ bootId } = await runOn(MONDAY));
  });

  it('while it was open', async () => {
    const engine = await open(TUESDAY);
    await engine.replication.start();
    await engine.replication.write(PARTITION, [WRITE], 1);
    losePower();
    await engine.close();
    expect((await identityOn(WEDNESDAY)).bootId).not.toBe(bootId);
  });

  it('after it was opened, before anything was written', async () => {
    const engine = await open(TUESDAY);
    losePower();
    await engine.close();
    expect((await identityOn(WEDNESDAY)).bootId).not.toBe(bootId);
  });

  it('while it was closed, before the file `closed` was written', async () => {
    rmSync(closedFile());
    writeFileSync(join(directory, DIRECTORY_LOCK_FILE), '');
    expect((await identityOn(TUESDAY)).bootId).not.toBe(bootId);
  });

  it('and it was then opened and closed without replication', async () => {
    const engine = await open(MONDAY);
    losePower();
    await engine.close();
    await (await open(TUESDAY)).close();
    expect(existsSync(closedFile())).toBe(false);
    expect((await identityOn(TUESDAY)).bootId).not.toBe(bootId);
  });
});

describe('a file `closed` that is left over says nothing', () => {
  it('of a directory that another version of kvs has used since', async () => {
    const { bootId } = await runOn(MONDAY);
    const text = readFileSync(closedFile());
    const engine = await open(MONDAY);
    await engine.replication.start();
    await engine.replication.write(PARTITION, [WRITE], 1);
    losePower();
    await engine.close();
    writeFileSync(closedFile(), text);
    expect((await identityOn(TUESDAY)).bootId).not.toBe(bootId);
  });

  it('if it is empty', async () => {
    const { bootId } = await runOn(MONDAY);
    writeFileSync(closedFile(), '');
    expect((await identityOn(TUESDAY)).bootId).not.toBe(bootId);
  });
});

it('a directory that could not be opened keeps its file `closed`', async () => {
  const { bootId } = await runOn(MONDAY);
  const script = join(import.meta.dirname, '../test/open-too-large.mjs');
  expect(spawnSync(process.execPath, [script, directory]).status).not.toBe(0);
  expect(await identityOn(TUESDAY)).toMatchObject({ bootId, starts: 2 });
});

it('a process that does not replicate leaves the file `closed` again', async () => {
  const { bootId } = await runOn(MONDAY);
  await (await open(TUESDAY)).close();
  expect(await identityOn(WEDNESDAY)).toMatchObject({ bootId, starts: 2 });
});

it('a directory whose data file was away when it was closed has no file `closed`', async () => {
  const { bootId } = await runOn(MONDAY);
  const [file, elsewhere] = [join(directory, 'data.mdb'), join(scratch.path, 'elsewhere')];
  const engine = await open(MONDAY);
  renameSync(file, elsewhere);
  await engine.close();
  renameSync(elsewhere, file);
  expect((await identityOn(TUESDAY)).bootId).not.toBe(bootId);
});

it('an engine that cannot read whether it may leave the file `closed` closes its data file before it releases its directory', async () => {
  await runOn(MONDAY);
  const environment = new Environment(directory, 'commit', undefined);
  environment.transact(() => environment.identity.putSync(Buffer.from('identity'), Buffer.from('not JSON')));
  await environment.close();
  const engine = await open(MONDAY);
  const close = jest.spyOn(Environment.prototype, 'close');
  await expect(engine.close()).rejects.toThrow(SyntaxError);
  expect(close).toHaveBeenCalledTimes(1);
  close.mockRestore();
  expect(existsSync(join(directory, DIRECTORY_LOCK_FILE))).toBe(false);
});

it('an engine whose data file may not be on the disk says so, and leaves no file `closed`', async () => {
  const engine = await open(MONDAY);
  await engine.replication.start();
  const sync = jest.spyOn(DataDirectory.prototype, 'syncDataFile');
  sync.mockRejectedValueOnce(new Error('the disk is away'));
  await expect(engine.close()).rejects.toThrow('the disk is away');
  sync.mockRestore();
  expect([closedFile(), join(directory, DIRECTORY_LOCK_FILE)].filter(existsSync)).toEqual([]);
});

it('an engine that cannot leave the file `closed` says so, and releases its directory', async () => {
  const engine = await open(MONDAY);
  await engine.replication.start();
  mkdirSync(closedFile());
  await expect(engine.close()).rejects.toMatchObject({
    code: 'engine_unavailable',
    message: expect.stringContaining(`${directory} cannot be marked as closed`),
  });
  expect(existsSync(join(directory, DIRECTORY_LOCK_FILE))).toBe(false);
});
