import { mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { PARTITION_COUNT, PARTITION_FUNCTION } from '@kvs/protocol';
import { ManualTime, until } from '@kvs/protocol/testing';
import { DIRECTORY_LOCK_FILE, RENEWAL_MS, TAKEOVER_MS } from '../../../directory-lock.js';
import { ManualClock } from '../../../testing/index.js';
import { numbered, placed, versionOf, write } from '../../../testing/pairs.js';
import { MemoryEngine } from '../memory-engine.js';
import { MIN_MAX_MEMORY_BYTES } from '../memory-limits.js';
import type { MemoryEngineOptions } from '../memory-options.js';
import { emptyRecord } from '../raw-record.js';
import { SLOT_SIZES } from '../slab/size-classes.js';
import {
  countPayload,
  floorsPayload,
  FRAME_HEADER_BYTES,
  MAGIC,
  PAIR_HEADER_BYTES,
  startOfChecksum,
  writeFrameHeader,
  writePairHeader,
  type FrameKind,
} from './snapshot-format.js';
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
    const chunks = (KEYS.length * VALUE.length) / (128 * 1024);
    expect(turns).toBeGreaterThan(chunks);
  });

  it('that is being written when the engine is closed is followed by the last one, and by no other', async () => {
    const { engine, scheduler } = await open();
    engine.setMany(KEYS.map((key) => write(key, VALUE)));
    scheduler.advanceMs(INTERVAL_MS);
    await engine.close();
    expect(scheduler.waits).toEqual([]);
    const { engine: again } = await open();
    expect(again.stats().pairCount).toBe(KEYS.length);
    await again.close();
  });

  it('is written also if its directory was deleted meanwhile', async () => {
    const { engine } = await open();
    engine.setMany([write('key')]);
    await rm(directory, { recursive: true });
    await engine.close();
    expect(await readdir(directory)).toEqual(['kvs.snapshot']);
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

  it.each([
    [
      'without a partition function',
      oldSnapshot(),
      'names no partition function, but this version needs "crc16/1"',
    ],
    ['of another partition function', snapshotOf('crc16/2'), 'names the partition function "crc16/2"'],
    [
      'of one with a line break',
      snapshotOf('crc16/\n2'),
      String.raw`names the partition function "crc16/\n2"`,
    ],
  ])('%s is refused and left as it is, even if a damaged one may be set aside', async (_, bytes, message) => {
    await writeFile(file(), bytes);
    await expect(open({}, 'set-aside')).rejects.toMatchObject({
      code: 'incompatible',
      message: expect.stringContaining(`the snapshot ${file()} ${message}`),
    });
    expect(await readdir(directory)).toEqual(['kvs.snapshot']);
    expect((await readFile(file())).equals(bytes)).toBe(true);
  });

  it.each([
    ['a pair', frame('pairs', pairOf(PARTITION_COUNT))],
    ['a floor', frame('floors', floorsPayload(new Map([[PARTITION_COUNT, 1]])))],
  ])('that has %s of a partition that does not exist is refused', async (_, bytes) => {
    await writeFile(file(), Buffer.concat([snapshotOf(PARTITION_FUNCTION), bytes]));
    await expect(open()).rejects.toMatchObject({
      code: 'damaged',
      message: expect.stringContaining('names a partition that does not exist'),
    });
  });

  it('that has a frame of an unknown kind is refused, although its checksum is right', async () => {
    const unknown = frame('pairs', Buffer.alloc(0));
    unknown[8] = 99;
    unknown.writeUInt32LE(crc32(unknown.subarray(8)), 4);
    const end = frame('end', countPayload(0));
    await writeFile(file(), Buffer.concat([snapshotOf(PARTITION_FUNCTION), unknown, end]));
    await expect(open()).rejects.toMatchObject({ code: 'damaged' });
  });

  it.each(['refuse', 'set-aside'] as const)(
    'that holds more than the engine may is refused and left as it is (damaged: %s)',
    async (damaged) => {
      await written(numbered(9000));
      const limit = { maxMemoryBytes: 4 * 1024 * 1024 };
      await expect(open(limit, damaged)).rejects.toMatchObject({ code: 'too_large' });
      expect(await readdir(directory)).toEqual(['kvs.snapshot']);
    },
  );

  it.each(['lru', 'sieve'] as const)(
    'that holds more than an engine with %s may is loaded in part, and the log says so',
    async (eviction) => {
      await written(numbered(9000));
      const { engine, logged } = await open({ maxMemoryBytes: 4 * 1024 * 1024, eviction });
      const { pairCount } = engine.stats();
      expect(pairCount).toBeLessThan(9000);
      expect(logged.at(-2)).toContain(`loaded ${pairCount} pairs`);
      expect(logged.at(-1)).toContain(`${9000 - pairCount} pairs of the snapshot ${file()} were evicted`);
    },
  );

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

  it('of a small full engine is loaded, though it then needs more pages for many sizes of slots', async () => {
    const limit = { maxMemoryBytes: MIN_MAX_MEMORY_BYTES };
    const { engine } = await open(limit);
    const isStored = (key: string, slotBytes: number): boolean =>
      engine.setMany([write(key, 'v'.repeat(slotBytes - 48))])[0]?.status === 'written';
    // Larger than 256, so that sizes differ by more than the headers and keys of records do.
    const sizes = SLOT_SIZES.filter((size) => size > 256);
    const used = sizes.filter((_, index) => index % 2 === 1);
    let count = 0;
    while (used.filter((size) => isStored(`${size}-${count}`, size)).length > 0) count++;
    // Full, these keep their slots. Loaded again, each needs a page of its own.
    for (const size of used) expect(isStored(`${size}-0`, sizes[sizes.indexOf(size) - 1] ?? 0)).toBe(true);
    const { pairCount } = engine.stats();
    await engine.close();
    const { engine: anew } = await open(limit);
    expect(anew.stats().pairCount).toBe(pairCount);
  });

  it('that is damaged can be set aside, and nothing of it is loaded', async () => {
    const damaged = changed(await written(), 2_000_000);
    await writeFile(file(), damaged);
    const { engine, logged } = await open({}, 'set-aside');
    expect(engine.stats()).toMatchObject({ pairCount: 0, usedBytes: 0 });
    expect(logged.at(-1)).toContain('is damaged');
    expect((await readFile(`${file()}.damaged`)).equals(damaged)).toBe(true);
  });

  it('that is damaged replaces no earlier one that was set aside', async () => {
    for (const text of ['first', 'second', 'third']) {
      await writeFile(file(), text);
      const { engine, logged } = await open({}, 'set-aside');
      const aside = (await readdir(directory)).filter((name) => name.includes('damaged')).at(-1);
      expect(logged.at(-1)).toMatch(new RegExp(`kept as .*/${aside}$`));
      await engine.close();
    }
    const names = ['kvs.snapshot.damaged', 'kvs.snapshot.damaged.2', 'kvs.snapshot.damaged.3'];
    const texts = names.map((name) => readFile(join(directory, name), 'utf8'));
    expect(await Promise.all(texts)).toEqual(['first', 'second', 'third']);
  });

  it('that claims a frame of gigabytes is refused before memory is taken for it', async () => {
    const start = snapshotOf('crc16/1');
    const header = Buffer.alloc(FRAME_HEADER_BYTES);
    writeFrameHeader(header, 'pairs', 2 ** 31 + 65_536, 0);
    await writeFile(file(), Buffer.concat([start, header]));
    // The bytes are there, and take no room on the disk.
    await truncate(file(), 2 ** 31 + 1_000_000);
    await expect(open()).rejects.toMatchObject({
      code: 'damaged',
      message: expect.stringContaining(`the frame at byte ${start.length} would have 2147549184 bytes`),
    });
  });

  it('remembers the versions of expired pairs, so that they never come again, even if the clock is set back', async () => {
    const { engine, clock } = await open();
    const version = versionOf(engine.setMany([write('key', 'v', { expiresAtMs: clock.nowMs() + 10 })])[0]);
    clock.advanceMs(20);
    await engine.close();
    const { engine: anew, clock: earlier } = await open();
    expect(earlier.nowMicros()).toBeLessThanOrEqual(version);
    expect(versionOf(anew.setMany([write('key')])[0])).toBeGreaterThan(version);
  });

  it('has pairs that expire by themselves when it is loaded', async () => {
    const { engine, clock } = await open();
    engine.setMany([write('key', 'v', { expiresAtMs: clock.nowMs() + 10 })]);
    await engine.close();
    const { engine: anew, clock: later, scheduler } = await open();
    expect(anew.stats().pairCount).toBe(1);
    later.advanceMs(10);
    scheduler.advanceMs(200);
    expect(anew.stats().pairCount).toBe(0);
    await anew.close();
  });

  it('reports its progress while it is loaded', async () => {
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
    await until(() => logged.some((line) => line.includes('cannot be read or written')));
    expect(engine.stats().pairCount).toBe(0);
    await expect(engine.close()).rejects.toMatchObject({ code: 'io', file: file() });
  });
});

const isLinux = process.platform === 'linux';
// Skipped elsewhere, because only Linux has a device that is always full. CI runs on Linux.
(isLinux ? it : it.skip)(
  'a full disk leaves the snapshot before as it was, nothing beside it, and is counted',
  async () => {
    const before = await written();
    const { engine, scheduler, logged } = await open();
    engine.setMany([write('new')]);
    const [id = ''] = (await readFile(lockFile(), 'utf8')).split(' ', 1);
    for (let failed = 1; failed <= 3; failed++) {
      await symlink('/dev/full', `${file()}.${id}.tmp`);
      scheduler.advanceMs(INTERVAL_MS);
      await until(() => engine.stats().snapshots?.failed === failed);
      expect(logged.at(-1)).toContain('ENOSPC');
    }
    expect((await readFile(file())).equals(before)).toBe(true);
    expect((await readdir(directory)).sort()).toEqual([DIRECTORY_LOCK_FILE, 'kvs.snapshot']);
    expect(engine.hasMany([placed('new')])).toEqual([{ status: 'present' }]);
    scheduler.advanceMs(INTERVAL_MS);
    await until(() => engine.stats().snapshots?.written === 1);
    await engine.close();
    const again = await open();
    expect(again.engine.hasMany([placed('new')])).toEqual([{ status: 'present' }]);
    expect(again.engine.stats().snapshots).toEqual({ written: 0, failed: 0 });
  },
);

describe('the directory of a snapshot', () => {
  it('belongs to one engine, also of the same process', async () => {
    const { engine, renew } = await open();
    const refusal = {
      code: 'engine_unavailable',
      message: expect.stringContaining(`process ${process.pid}`),
    };
    await expect(takeOver(renew)).rejects.toMatchObject(refusal);
    await engine.close();
    await expect(open()).resolves.toBeDefined();
  });

  it('is free again when the snapshot cannot be loaded', async () => {
    await writeFile(file(), 'not a snapshot');
    await expect(open()).rejects.toMatchObject({ code: 'damaged' });
    expect(await readdir(directory)).toEqual(['kvs.snapshot']);
  });

  it('that was abandoned is taken over, and its unfinished snapshot is deleted', async () => {
    await writeFile(lockFile(), '');
    await writeFile(`${file()}.${'0'.repeat(36)}.tmp`, 'half a snapshot');
    const { engine } = await takeOver();
    await engine.close();
    expect(await readdir(directory)).toEqual(['kvs.snapshot']);
  });

  it('that was taken over while its engine was suspended is left alone, and the engine refuses everything', async () => {
    const { engine, scheduler, lockClock, losses } = await open();
    const successor = await takeOver();
    successor.engine.setMany([write('new')]);
    lockClock.advanceMs(TAKEOVER_MS);
    scheduler.advanceMs(INTERVAL_MS);
    await until(() => losses.length > 0);
    expect(losses).toEqual([expect.objectContaining({ code: 'engine_unavailable' })]);
    expect(() => engine.stats()).toThrow(losses[0]?.message);
    expect(engine.obstacle()).toBe(losses[0]?.message);
    await expect(engine.close()).rejects.toThrow(losses[0]);
    expect(await readdir(directory)).toEqual([DIRECTORY_LOCK_FILE]);
    await successor.engine.close();
    const { engine: next } = await open();
    expect(next.hasMany([placed('new')])).toEqual([{ status: 'present' }]);
  });
});

async function open(limits: Limits = {}, damaged: 'refuse' | 'set-aside' = 'refuse') {
  const { opening, ...parts } = begin(limits, damaged);
  return { engine: await opening, ...parts };
}

/**
 * Opens an engine in a directory that was not released, passing its time until it is open.
 * @param meanwhile happens each time before time passes
 */
async function takeOver(meanwhile: () => Promise<void> = () => Promise.resolve()) {
  const { opening, ...parts } = begin();
  let isSettled = false;
  const settle = (): void => void (isSettled = true);
  opening.then(settle, settle);
  for (await setImmediate(); !isSettled; await setImmediate()) {
    await meanwhile();
    parts.scheduler.advanceMs(RENEWAL_MS);
  }
  return { engine: await opening, ...parts };
}

function begin(limits: Limits = {}, damaged: 'refuse' | 'set-aside' = 'refuse') {
  const logged: string[] = [];
  const losses: Error[] = [];
  const log = (message: string): void => void logged.push(message);
  const onLost = (error: Error): void => void losses.push(error);
  const scheduler = new ManualTime();
  const clock = new ManualClock();
  const lockClock = new ManualClock();
  const snapshot = { directory, intervalMs: INTERVAL_MS, damaged, onLost, lockClock };
  const opening = MemoryEngine.open({
    clock,
    scheduler,
    ...limits,
    snapshot: { ...snapshot, log: { info: log, warn: log, error: log } },
  });
  const renew = async (): Promise<void> => {
    scheduler.advanceMs(RENEWAL_MS);
    const before = scheduler.waits.length;
    await until(() => scheduler.waits.length > before);
  };
  return { opening, scheduler, clock, lockClock, logged, losses, renew };
}

type Limits = Pick<MemoryEngineOptions, 'maxMemoryBytes' | 'eviction'>;

async function written(keys: readonly string[] = KEYS): Promise<Buffer> {
  const { engine } = await open();
  engine.setMany(keys.map((key) => write(key, VALUE)));
  await engine.close();
  return readFile(file());
}

/** The head of a snapshot of an older version, which began with its pairs. */
function oldSnapshot(): Buffer {
  return Buffer.concat([Buffer.from('KVSSNAP1'), Buffer.alloc(100)]);
}

function snapshotOf(partitionFunction: string): Buffer {
  return Buffer.concat([MAGIC, frame('partition-function', Buffer.from(partitionFunction))]);
}

function pairOf(partition: number): Buffer {
  const bytes = Buffer.alloc(PAIR_HEADER_BYTES + 2);
  const record = { ...emptyRecord(), keyStart: 0, valueStart: 1, end: 2, version: 1 };
  writePairHeader(bytes, 0, partition, record);
  return bytes.fill('kv', PAIR_HEADER_BYTES);
}

function frame(kind: FrameKind, payload: Buffer): Buffer {
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  writeFrameHeader(header, kind, payload.length, crc32(payload, startOfChecksum(kind)));
  return Buffer.concat([header, payload]);
}

function changed(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

function file(): string {
  return join(directory, 'kvs.snapshot');
}

function lockFile(): string {
  return join(directory, DIRECTORY_LOCK_FILE);
}
