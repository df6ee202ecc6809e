import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { EngineWrite } from '@kvs/kv-store';
import { ManualClock } from '@kvs/kv-store/testing';
import { keyId, stringKey, stringValue } from '@kvs/protocol';
import { LmdbEngine } from './lmdb-engine.js';
import { scratchDirectory, type ScratchDirectory } from '../test/scratch-directory.js';
import { seededRandom } from '../test/seeded-random.js';

const clock = new ManualClock();
let scratch: ScratchDirectory;
beforeEach(() => (scratch = scratchDirectory()));
afterEach(() => scratch.remove());

const fileIn = (directory: string): string => join(directory, 'data.mdb');
const open = (directory = scratch.path): Promise<LmdbEngine> =>
  LmdbEngine.open({ directory, clock, sweepIntervalMs: 0 });

function write(name: string, length: number): EngineWrite {
  return {
    id: keyId(stringKey(name)),
    partition: name.length,
    value: stringValue(`${name} `.repeat(length / name.length)),
    expiresAtMs: undefined,
    ifVersion: undefined,
  };
}

function many(from: number, count: number): EngineWrite[] {
  return Array.from({ length: count }, (_, index) => write(`key ${from + index}`, 200));
}

/** Returns whether the file ends before the last page that LMDB has given out. */
function isShort(): boolean {
  const file = readFileSync(fileIn(scratch.path));
  const pageBytes = file.readUInt32LE(48);
  const lastPages = [0, pageBytes].map((meta) => Number(file.readBigUInt64LE(meta + 144)));
  return file.length <= Math.max(...lastPages) * pageBytes;
}

/** Leaves pages at the end of the file that LMDB has given out and never writes. */
async function freeUnwrittenPages(engine: LmdbEngine): Promise<void> {
  const item = write('large', 1_000_000);
  const [, deleted] = await Promise.all([engine.setMany([item]), engine.deleteMany([item])]);
  expect(deleted).toEqual([{ status: 'deleted' }]);
}

async function deleteManyAtOnce(engine: LmdbEngine): Promise<void> {
  for (let from = 0; from < 5000; from += 500) await engine.setMany(many(from, 500));
  await engine.deleteMany(many(0, 5000));
}

it.each([
  ['a large value was written and deleted in one transaction', freeUnwrittenPages],
  ['many pairs were deleted in one transaction', deleteManyAtOnce],
])('a file that is shorter than its header says, because %s, is opened', async (_, change) => {
  let engine = await open();
  await engine.setMany([write('kept', 100), write('kept too', 100_000)]);
  await change(engine);
  await engine.close();
  expect(isShort()).toBe(true);
  engine = await open();
  expect(engine.getMany([write('kept', 100), write('kept too', 100_000)])).toMatchObject(
    [write('kept', 100), write('kept too', 100_000)].map(({ value }) => ({ status: 'found', value })),
  );
  const again = await engine.setMany([write('large', 1_000_000), ...many(0, 5000)]);
  expect(again.every(({ status }) => status === 'written')).toBe(true);
  await engine.close();
});

it('a file that is shorter than its header says, with a damaged page, is refused', async () => {
  const engine = await open();
  await engine.setMany([...many(0, 500), write('kept', 100_000)]);
  await freeUnwrittenPages(engine);
  await engine.close();
  const path = fileIn(scratch.path);
  const file = readFileSync(path);
  const pageBytes = file.readUInt32LE(48);
  // All but the numbers of the pages behind the two meta pages.
  for (let page = 2 * pageBytes; page < file.length; page += pageBytes)
    file.fill(0xff, page + 8, page + pageBytes);
  writeFileSync(path, file);
  await expect(open()).rejects.toMatchObject({
    code: 'engine_unavailable',
    message: expect.stringMatching(/data\.mdb is corrupt: its page \d+ is damaged/),
  });
});

it.each([1, 2, 3, 4, 5, 6])('a truncated file is refused, or has lost nothing (seed %d)', async (seed) => {
  const random = seededRandom(seed);
  const held = await writeAndDelete(random);
  const { size } = statSync(fileIn(scratch.path));
  const cuts = [0, 1, 4096, 8192, 12_288, ...Array.from({ length: 15 }, () => random(size - 8192))];
  const opened: number[] = [];
  for (const cut of cuts) if (await opensWithout(cut, size, held)) opened.push(cut);
  expect(opened).toContain(0);
  // A shorter rest never has more.
  const longest = Math.max(...opened);
  expect(cuts.filter((cut) => cut <= longest).sort()).toEqual(opened.sort());
  expect(opened.length).toBeLessThan(cuts.length);
});

/** Makes a store with pages of all kinds: of several levels, large values, free lists, and perhaps unwritten ones. Returns its pairs. */
async function writeAndDelete(random: (limit: number) => number): Promise<EngineWrite[]> {
  const held = new Map<string, EngineWrite>();
  const engine = await open();
  for (let round = 0; round < 20; round++) {
    const changes = Array.from({ length: 1 + random(100) }, () => {
      const item = write(`key ${random(1500)}`, random(20) === 0 ? random(40_000) : random(400));
      if (random(3) === 0) {
        held.delete(item.id);
        return engine.deleteMany([item]);
      }
      held.set(item.id, item);
      return engine.setMany([item]);
    });
    await Promise.all(changes);
  }
  if (random(2) === 0) await freeUnwrittenPages(engine);
  await engine.close();
  return [...held.values()];
}

/** Truncates a copy of the file. Returns whether it is opened, and if so, checks all pairs. */
async function opensWithout(cut: number, size: number, held: readonly EngineWrite[]): Promise<boolean> {
  const copy = join(scratch.path, 'copy');
  mkdirSync(copy);
  for (const name of ['format', 'data.mdb']) copyFileSync(join(scratch.path, name), join(copy, name));
  truncateSync(fileIn(copy), size - cut);
  try {
    const engine = await open(copy);
    const found = engine.getMany(held);
    expect(found).toMatchObject(held.map(({ value }) => ({ status: 'found', value })));
    // It needs the lists of free pages too.
    expect(await engine.setMany([write('another', 100_000)])).toMatchObject([{ status: 'written' }]);
    await engine.close();
    return true;
  } catch (error) {
    expect(error).toMatchObject({ message: expect.stringContaining('its end is missing') });
    return false;
  } finally {
    rmSync(copy, { recursive: true });
  }
}
