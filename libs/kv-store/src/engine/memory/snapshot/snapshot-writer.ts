import type { FileHandle } from 'node:fs/promises';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { PARTITION_FUNCTION } from '@kvs/protocol';
import type { Clock } from '../../../clock.js';
import type { MemoryPartition } from '../memory-partition.js';
import type { PairStore } from '../pair-store.js';
import type { LargePair } from './copied-pairs.js';
import { CopiedPairs, PIECE_BYTES } from './copied-pairs.js';
import { PartitionCopy } from './partition-copy.js';
import type { FrameKind } from './snapshot-format.js';
import {
  countPayload,
  floorsPayload,
  FRAME_HEADER_BYTES,
  MAGIC,
  startOfChecksum,
  writeFrameHeader,
} from './snapshot-format.js';

/**
 * Writes the pairs to a file, in pieces between which others have their turn. Each partition is in it as it was at
 * one moment; the moments of two partitions differ by at most the time that the snapshot takes. The file comes into
 * its place whole, by a rename after its bytes are on disk; until then the one before stays.
 *
 * @param temporary where it is written first
 * @param assertMayPublish called right before the rename, which does not happen if it throws
 * @returns how many pairs it holds
 */
export async function writeSnapshot(
  store: PairStore,
  clock: Clock,
  temporary: string,
  path: string,
  assertMayPublish: () => void,
): Promise<number> {
  const file = await open(temporary, 'w');
  try {
    const pairCount = await writeAndClose(store, file, clock);
    assertMayPublish();
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
    const pairCount = await new SnapshotWriter(store, file, clock).write();
    await file.sync();
    return pairCount;
  } finally {
    store.observer = undefined;
    await file.close();
  }
}

class SnapshotWriter {
  readonly #pairs = new CopiedPairs();
  readonly #floors = new Map<number, number>();
  /** For large pairs and for what is not a pair. */
  readonly #piece = Buffer.allocUnsafe(PIECE_BYTES);
  #position = 0;
  #stepsWithoutTurn = 0;

  readonly #store: PairStore;
  readonly #file: FileHandle;
  readonly #clock: Clock;

  constructor(store: PairStore, file: FileHandle, clock: Clock) {
    this.#store = store;
    this.#file = file;
    this.#clock = clock;
  }

  async write(): Promise<number> {
    await this.#append(MAGIC);
    await this.#writeFrame('partition-function', Buffer.from(PARTITION_FUNCTION));
    for (const partition of [...this.#store.partitions()]) await this.#writePartition(partition);
    if (this.#pairs.hasPiece) await this.#writePiece();
    await this.#writeFrame('floors', floorsPayload(this.#floors));
    await this.#writeFrame('end', countPayload(this.#pairs.pairCount));
    return this.#pairs.pairCount;
  }

  /** What is left of it may be written with the next partition's. */
  async #writePartition(partition: MemoryPartition): Promise<void> {
    const copy = new PartitionCopy(this.#store, partition, this.#clock, this.#pairs);
    this.#floors.set(partition.number, copy.versionFloor);
    this.#store.observer = copy;
    for (let isWhole = false; !isWhole;) {
      isWhole = copy.step();
      if (this.#pairs.isFull) await this.#writeCopied();
      else if (!isWhole || ++this.#stepsWithoutTurn % PARTITIONS_PER_TURN === 0) await setImmediate();
    }
    this.#store.observer = undefined;
  }

  /** Others have their turn after each write, and may add to what there is to write. */
  async #writeCopied(): Promise<void> {
    while (this.#pairs.isFull) {
      if (this.#pairs.hasPiece) await this.#writePiece();
      const { large } = this.#pairs;
      if (large === undefined) continue;
      await this.#writeLarge(large);
      this.#pairs.finishLarge();
    }
  }

  async #writePiece(): Promise<void> {
    const piece = this.#pairs.takePiece();
    const payload = piece.subarray(FRAME_HEADER_BYTES);
    writeFrameHeader(piece, 'pairs', payload.length, crc32(payload, startOfChecksum('pairs')));
    await this.#append(piece);
    this.#pairs.giveBack(piece);
  }

  /** A frame of its own, whose header is written when its checksum is known. */
  async #writeLarge(pair: LargePair): Promise<void> {
    const headerAt = this.#position;
    let checksum = startOfChecksum('pairs');
    this.#position += FRAME_HEADER_BYTES;
    for (let written = 0; written < pair.byteCount;) {
      const piece = this.#piece.subarray(0, pair.read(this.#piece));
      checksum = crc32(piece, checksum);
      await this.#append(piece);
      written += piece.length;
    }
    const header = this.#piece.subarray(0, FRAME_HEADER_BYTES);
    writeFrameHeader(header, 'pairs', pair.byteCount, checksum);
    await this.#writeAt(headerAt, header);
  }

  async #writeFrame(kind: FrameKind, payload: Buffer): Promise<void> {
    const header = this.#piece.subarray(0, FRAME_HEADER_BYTES);
    writeFrameHeader(header, kind, payload.length, crc32(payload, startOfChecksum(kind)));
    await this.#append(header);
    await this.#append(payload);
  }

  async #append(bytes: Buffer): Promise<void> {
    await this.#writeAt(this.#position, bytes);
    this.#position += bytes.length;
    // Writing lets the loop turn by itself, but its answer may be there with the next check for input.
    await setImmediate();
  }

  async #writeAt(position: number, bytes: Buffer): Promise<void> {
    for (let written = 0; written < bytes.length;) {
      const { bytesWritten } = await this.#file.write(
        bytes,
        written,
        bytes.length - written,
        position + written,
      );
      written += bytesWritten;
    }
  }
}

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
