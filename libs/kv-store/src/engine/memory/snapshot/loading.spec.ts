import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualTime } from '@kvs/protocol/testing';
import { ManualClock } from '../../../testing/index.js';
import { placed, write } from '../../../testing/pairs.js';
import { MemoryEngine } from '../memory-engine.js';
import { SNAPSHOT_FILE } from './snapshot-keeper.js';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kvs-snapshot-'));
  const engine = await begin().opened;
  engine.setMany([write('key')]);
  await engine.close();
});
afterEach(() => rm(directory, { recursive: true }));

describe('while the snapshot is loaded', () => {
  it('every operation fails with not_ready', async () => {
    const { engine, opened } = begin();
    const { replication } = engine;
    for (const operation of [
      () => engine.getMany([placed('key')]),
      () => engine.hasMany([]),
      () => engine.setMany([write('key')]),
      () => engine.deleteMany([]),
      () => engine.stats(),
      () => replication.write(0, [], 1),
    ])
      expect(operation).toThrow(expect.objectContaining({ code: 'not_ready' }));
    await expect(engine.scan([0]).next()).rejects.toMatchObject({ code: 'not_ready' });
    expect(engine.obstacle()).toBe('the memory engine is being opened');
    expect(engine.capabilities.durable).toBe(true);
    expect(await opened).toBe(engine);
    expect(engine.hasMany([placed('key')])).toEqual([{ status: 'present' }]);
    expect(engine.obstacle()).toBeUndefined();
    await engine.close();
  });

  it('close waits for it, and keeps its pairs', async () => {
    const { engine, opened } = begin();
    const closing = engine.close();
    expect(() => engine.stats()).toThrow(expect.objectContaining({ code: 'engine_unavailable' }));
    await opened;
    expect(() => engine.stats()).toThrow(expect.objectContaining({ code: 'engine_unavailable' }));
    await closing;
    const again = await begin().opened;
    expect(again.hasMany([placed('key')])).toEqual([{ status: 'present' }]);
    await again.close();
  });
});

it('an engine that cannot load its snapshot is never ready, leaves the file as it is, and closes', async () => {
  const file = join(directory, SNAPSHOT_FILE);
  await writeFile(file, 'damaged');
  const { engine, opened } = begin();
  await expect(opened).rejects.toMatchObject({ code: 'damaged' });
  expect(() => engine.stats()).toThrow(expect.objectContaining({ code: 'not_ready' }));
  await engine.close();
  expect(await readFile(file, 'utf8')).toBe('damaged');
});

it('a snapshot is written only at the end if no interval is given', async () => {
  const scheduler = new ManualTime();
  const engine = await MemoryEngine.open({ clock: new ManualClock(), scheduler, snapshot: { directory } });
  expect(scheduler.waits).not.toContain(0);
  expect(engine.stats().snapshots).toEqual({ written: 0, failed: 0 });
  await engine.close();
});

function begin() {
  return MemoryEngine.opening({ clock: new ManualClock(), snapshot: { directory } });
}
