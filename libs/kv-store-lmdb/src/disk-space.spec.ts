import { tmpdir } from 'node:os';
import { DiskSpace } from './disk-space.js';

const MIB = 1024 * 1024;

const isShort = (disk: DiskSpace, reusableBytes = 0) => disk.room(0, () => reusableBytes).bytes < 0;

it('is that of the file system', () => {
  expect(new DiskSpace(tmpdir()).freeBytes).toBeGreaterThan(0);
});

it('is asked for again after half of the reserve was written', () => {
  const answers = [100 * MIB, 60 * MIB];
  const disk = new DiskSpace(
    'data',
    () => answers.shift() ?? 0,
    () => 0,
  );
  expect([disk.freeBytes, disk.freeBytes]).toEqual([100 * MIB, 100 * MIB]);
  disk.room(31 * MIB, () => 0);
  expect(disk.freeBytes).toBe(100 * MIB);
  disk.room(MIB, () => 0);
  expect([disk.freeBytes, disk.freeBytes]).toEqual([60 * MIB, 60 * MIB]);
});

it('takes in what the file can use again, only if the disk has no room beside the reserve', () => {
  const disk = new DiskSpace('data', () => 70 * MIB);
  const refuse = () => {
    throw new Error('not to be asked');
  };
  expect(disk.room(6 * MIB, refuse)).toEqual({ bytes: 6 * MIB, growthBytes: 70 * MIB });
  expect(disk.room(7 * MIB, () => 5 * MIB)).toEqual({ bytes: 11 * MIB, growthBytes: 70 * MIB });
});

it('is asked for at most once in a second, short below 64 MiB, and kept if the directory is gone', () => {
  let nowMs = 5;
  const answers = [100 * MIB, 60 * MIB];
  const read = () => {
    const answer = answers.shift();
    if (answer === undefined) throw new Error('ENOENT');
    return answer;
  };
  const disk = new DiskSpace('data', read, () => nowMs);
  expect([disk.freeBytes, isShort(disk)]).toEqual([100 * MIB, false]);
  nowMs += 999;
  expect(isShort(disk)).toBe(false);
  nowMs += 1;
  expect([disk.freeBytes, isShort(disk), isShort(disk, 4 * MIB)]).toEqual([60 * MIB, true, false]);
  nowMs += 1000;
  expect(disk.freeBytes).toBe(60 * MIB);
});
