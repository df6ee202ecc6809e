import type { FileHandle } from 'node:fs/promises';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import type { Clock } from '../../../clock.js';
import type { PairStore } from '../pair-store.js';
import { PairBuffer, PartitionCopy } from './partition-copy.js';
import type { FrameKind } from './snapshot-format.js';
import { countPayload, floorsPayload, frameHeader, MAGIC, startOfChecksum } from './snapshot-format.js';

/**
 * Writes the pairs to a file, in pieces between which others have their turn. Each partition is in it as it was at
 * one moment; the moments of two partitions differ by at most the time that the snapshot takes. The file comes into
 * its place whole, by a rename after its bytes are on disk; until then the one before stays.
 *
 * @returns how many pairs it holds
 */
export async function writeSnapshot(store: PairStore, path: string, clock: Clock): Promise<number> {
  const temporary = `${path}.tmp`;
  const file = await open(temporary, 'w');
  try {
    const pairCount = await writeAndClose(store, file, clock);
    await rename(temporary, path);
    await syncDirectory(dirname(path));
    return pairCount;
  } catch (error) {
    // What a full disk has room for is better used by others.
    await rm(temporary, { force: true });
    throw error;
  }
}

async function writeAndClose(store: PairStore, file: FileHandle, clock: Clock): Promise<number> {
  try {
    const pairCount = await writePairs(store, file, clock);
    await file.sync();
    return pairCount;
  } finally {
    store.observer = undefined;
    await file.close();
  }
}

async function writePairs(store: PairStore, file: FileHandle, clock: Clock): Promise<number> {
  const floors = new Map<number, number>();
  const buffer = new PairBuffer();
  let unyielding = 0;
  await writeWhole(file, MAGIC);
  for (const partition of [...store.partitions()]) {
    const copy = new PartitionCopy(store, partition, clock.nowMicros(), buffer);
    floors.set(partition.number, copy.versionFloor);
    store.observer = copy;
    for (let isWhole = copy.step(); ; isWhole = copy.step()) {
      if (isWhole) store.observer = undefined;
      if (buffer.isFull) await writeFrame(file, 'pairs', buffer.take());
      else if (!isWhole || ++unyielding % PARTITIONS_PER_TURN === 0) await setImmediate();
      if (isWhole) break;
    }
  }
  if (!buffer.isEmpty) await writeFrame(file, 'pairs', buffer.take());
  await writeFrame(file, 'floors', floorsPayload(floors));
  await writeFrame(file, 'end', countPayload(buffer.pairCount));
  return buffer.pairCount;
}

async function writeFrame(file: FileHandle, kind: FrameKind, payload: Buffer): Promise<void> {
  let checksum = startOfChecksum(kind);
  for (let at = 0; at < payload.length; at += CHECKSUM_BYTES_PER_TURN) {
    if (at > 0) await setImmediate();
    checksum = crc32(payload.subarray(at, at + CHECKSUM_BYTES_PER_TURN), checksum);
  }
  await writeWhole(file, frameHeader(kind, payload.length, checksum));
  await writeWhole(file, payload);
  // Writing lets the loop turn by itself, but its answer may be there with the next check for input.
  await setImmediate();
}

async function writeWhole(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written);
    written += bytesWritten;
  }
}

/** A large value is a frame of megabytes. */
const CHECKSUM_BYTES_PER_TURN = 512 * 1024;

/** So many partitions that hold little are a turn's work. */
const PARTITIONS_PER_TURN = 128;

/** A rename is on disk when its directory is. Windows cannot, and need not, sync a directory. */
async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
