import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { ManualClock, ManualScheduler } from '../../../testing/index.js';
import { numbered, placed, write } from '../../../testing/pairs.js';
import { MemoryEngine } from '../memory-engine.js';
import { SnapshotError } from './snapshot-options.js';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kvs-snapshot-'));
});
afterEach(() => rm(directory, { recursive: true }));

const INTERVAL_MS = 1000;
const KEYS = numbered(3000);
const VALUE = 'v'.repeat(1000);

describe('a snapshot', () => {
  it('is written in many turns of the event loop, between which others have theirs', async () => {
    const { engine, scheduler, logged } = await open();
    engine.setMany(KEYS.map((key) => write(key, VALUE)));
    scheduler.advanceMs(INTERVAL_MS);
    let turns = 0;
    for (; !logged.some((line) => line.startsWith('wrote')); turns++) await setImmediate();
    const pieces = (KEYS.length * VALUE.length) / (128 * 1024);
    expect(turns).toBeGreaterThan(pieces);
  });

  it('leaves no other file behind', async () => {
    const { engine } = await open();
    await engine.close();
    expect(await readdir(directory)).toEqual(['kvs.snapshot']);
  });

  it('that was cut off anywhere, or changed anywhere, is refused and named', async () => {
    const whole = await written();
    const broken = [0, 1, 8, 12, 100, whole.length / 2, whole.length - 17, whole.length - 1].map((length) =>
      whole.subarray(0, length),
    );
    for (let at = 0; at < 40; at++) broken.push(changed(whole, at), whole.subarray(0, at));
    for (let at = 1; at < 40; at++) broken.push(changed(whole, whole.length - at), whole.subarray(0, -at));
    for (const at of [100_000, 1_000_000, 2_000_000]) broken.push(changed(whole, at));
    broken.push(Buffer.concat([whole, Buffer.from([0])]));
    for (const bytes of broken) {
      await writeFile(file(), bytes);
      const error: unknown = await open().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(SnapshotError);
      expect(error).toMatchObject({ code: 'damaged', file: file() });
      expect(String(error)).toContain(file());
    }
  });

  it('that holds more than the engine may is refused', async () => {
    await written();
    await expect(open({ maxMemoryBytes: 2 * 1024 * 1024 })).rejects.toMatchObject({ code: 'too_large' });
  });

  it('of a full engine is loaded by one with the same limit, whatever its values have been', async () => {
    const limit = { maxMemoryBytes: 32 * 1024 * 1024 };
    const { engine } = await open(limit);
    const isWritten = (key: string, length: number): boolean =>
      engine.setMany([write(key, 'v'.repeat(length))])[0]?.status === 'written';
    let count = 0;
    while (isWritten(`large-${count}`, 60_000)) count++;
    while (isWritten(`small-${count}`, 3000)) count++;
    // Full, these keep the slots that they have, though the last of each could be smaller.
    for (let i = 0; i < 40; i++) expect(isWritten(`large-${i}`, 60_000 - 200 * i)).toBe(true);
    const { pairCount } = engine.stats();
    await engine.close();
    const { engine: anew } = await open(limit);
    expect(anew.stats().pairCount).toBe(pairCount);
    // The limit holds again for what comes.
    expect(anew.setMany([write('more', 'v'.repeat(8_000_000))])[0]?.status).toBe('out_of_memory');
    expect(anew.setMany([write('large-0', 'v'.repeat(50_000))])[0]?.status).toBe('written');
  });

  it('that is damaged can be set aside, and nothing of it is loaded', async () => {
    const damaged = changed(await written(), 2_000_000);
    await writeFile(file(), damaged);
    const { engine, logged } = await open({}, 'set-aside');
    expect(engine.stats()).toMatchObject({ pairCount: 0, usedBytes: 0 });
    expect(logged.at(-1)).toContain('is damaged');
    expect((await readFile(`${file()}.damaged`)).equals(damaged)).toBe(true);
  });

  it('is loaded with word of how it goes on', async () => {
    await written();
    const { engine, logged } = await open();
    expect(logged).toContainEqual(expect.stringContaining('50 %'));
    expect(logged.at(-1)).toContain(`loaded ${KEYS.length} pairs`);
    expect(engine.hasMany([placed('key-0')])).toEqual([{ status: 'present' }]);
  });

  it('that cannot be written is an error of close, and of nothing before', async () => {
    const { engine, scheduler, logged } = await open();
    await rm(directory, { recursive: true });
    await writeFile(directory, 'not a directory');
    scheduler.advanceMs(INTERVAL_MS);
    while (!logged.some((line) => line.includes('cannot be read or written'))) await setImmediate();
    expect(engine.stats().pairCount).toBe(0);
    await expect(engine.close()).rejects.toMatchObject({ code: 'io', file: file() });
  });
});

const isLinux = process.platform === 'linux';
// Only Linux has a device that is always full.
(isLinux ? it : it.skip)(
  'a full disk leaves the snapshot before as it was, and nothing beside it',
  async () => {
    const before = await written();
    const { engine, scheduler, logged } = await open();
    engine.setMany([write('new')]);
    await symlink('/dev/full', `${file()}.tmp`);
    scheduler.advanceMs(INTERVAL_MS);
    while (!logged.some((line) => line.includes('ENOSPC'))) await setImmediate();
    expect((await readFile(file())).equals(before)).toBe(true);
    expect((await readdir(directory)).sort()).toEqual(['kvs.snapshot', 'kvs.snapshot.lock']);
    expect(engine.hasMany([placed('new')])).toEqual([{ status: 'present' }]);
    await engine.close();
    const again = await open();
    expect(again.engine.hasMany([placed('new')])).toEqual([{ status: 'present' }]);
  },
);

describe('the lock of a snapshot', () => {
  const lock = (): string => `${file()}.lock`;

  it('keeps a second engine out, also of the same process', async () => {
    const { engine } = await open();
    const refusal = { code: 'in_use', message: expect.stringContaining(`process ${process.pid}`) };
    await expect(open()).rejects.toMatchObject(refusal);
    await engine.close();
    await expect(open()).resolves.toBeDefined();
  });

  it('is let go when the snapshot cannot be loaded', async () => {
    await writeFile(file(), 'not a snapshot');
    await expect(open()).rejects.toMatchObject({ code: 'damaged' });
    expect(await readdir(directory)).toEqual(['kvs.snapshot']);
  });

  it('of a machine that cannot be asked is respected', async () => {
    await writeFile(lock(), JSON.stringify({ pid: 1, host: 'elsewhere', start: null, id: '' }));
    const message = expect.stringContaining('process 1 of the machine elsewhere');
    await expect(open()).rejects.toMatchObject({ code: 'in_use', message });
  });

  it('that says nothing is respected', async () => {
    await writeFile(lock(), '');
    await expect(open()).rejects.toMatchObject({ code: 'in_use' });
  });

  // Only Linux tells when a process started; elsewhere, one of the same number is taken for the same.
  (isLinux ? it : it.skip)('of an earlier process of the same number is taken over', async () => {
    const earlier = { pid: process.pid, host: hostname(), start: 'earlier', id: '' };
    await writeFile(lock(), JSON.stringify(earlier));
    const { engine } = await open();
    await engine.close();
    expect(await readdir(directory)).toEqual(['kvs.snapshot']);
  });

  it('of a dead process is taken over by one of many who try', async () => {
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    for (let times = 0; times < 20; times++) {
      await writeFile(lock(), JSON.stringify({ pid, host: hostname(), start: null, id: '' }));
      const opened = await Promise.allSettled(Array.from({ length: 8 }, () => open()));
      const [first, ...others] = opened.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
      expect(others).toEqual([]);
      await first?.engine.close();
      expect(await readdir(directory)).toEqual(['kvs.snapshot']);
    }
  });

  it('that was taken by somebody meanwhile keeps the engine from writing', async () => {
    const { engine } = await open();
    const other = JSON.stringify({ pid: 1, host: 'elsewhere', start: null, id: '' });
    await writeFile(lock(), other);
    await expect(engine.close()).rejects.toMatchObject({ code: 'in_use' });
    expect(await readdir(directory)).toEqual(['kvs.snapshot.lock']);
    expect(await readFile(lock(), 'utf8')).toBe(other);
  });
});

async function open(limits: { maxMemoryBytes?: number } = {}, damaged: 'refuse' | 'set-aside' = 'refuse') {
  const logged: string[] = [];
  const log = (message: string): void => void logged.push(message);
  const scheduler = new ManualScheduler();
  const engine = await MemoryEngine.open({
    clock: new ManualClock(),
    scheduler,
    ...limits,
    snapshot: { directory, intervalMs: INTERVAL_MS, damaged, log: { info: log, warn: log, error: log } },
  });
  return { engine, scheduler, logged };
}

async function written(): Promise<Buffer> {
  const { engine } = await open();
  engine.setMany(KEYS.map((key) => write(key, VALUE)));
  await engine.close();
  return readFile(file());
}

function changed(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

function file(): string {
  return join(directory, 'kvs.snapshot');
}
