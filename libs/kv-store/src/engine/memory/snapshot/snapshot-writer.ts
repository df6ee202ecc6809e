import type { FileHandle } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { ALL_PARTITIONS, PARTITION_FUNCTION } from '@kvs/protocol';
import type { Clock } from '../../../clock.js';
import type { MemoryPartition } from '../memory-partition.js';
import type { PairStore } from '../pair-store.js';
import { CopiedPairs, CHUNK_BYTES } from './copied-pairs.js';
import { PartitionCopy } from './partition-copy.js';
import {
  countPayload,
  floorsPayload,
  FRAME_HEADER_BYTES,
  MAGIC,
  startOfChecksum,
  writeFrameHeader,
  type FrameKind,
} from './snapshot-format.js';

/**
 * Writes the pairs to a file, in chunks between which other work runs. The file has each partition as it was at one
 * moment. The moments of two partitions differ by at most the time that the snapshot takes. Of an incomplete partition, it
 * has only the version floor.
 *
 * @returns how many pairs the snapshot has
 */
export async function writeSnapshot(store: PairStore, clock: Clock, file: FileHandle): Promise<number> {
  try {
    return await new SnapshotWriter(store, file, clock).write();
  } finally {
    store.observer = undefined;
  }
}

class SnapshotWriter {
  readonly #pairs = new CopiedPairs();
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
    for (const number of ALL_PARTITIONS) {
      const partition = this.#store.partition(number);
      // After a restart, a part of the pairs would look like a complete partition.
      if (partition !== undefined && !this.#store.incomplete.has(number))
        await this.#writePartition(partition);
    }
    if (this.#pairs.hasChunk) await this.#writeChunk();
    // A floor may be above the versions in the file, because writes went on. A floor that is too high is safe.
    const floors = ALL_PARTITIONS.map((number): [number, number] => [
      number,
      this.#store.versionFloor(number),
    ]);
    await this.#writeFrame('floors', floorsPayload(new Map(floors.filter(([, floor]) => floor > 0))));
    await this.#writeFrame('end', countPayload(this.#pairs.pairCount));
    return this.#pairs.pairCount;
  }

  /** The last small pairs may be written with those of the next partition. */
  async #writePartition(partition: MemoryPartition): Promise<void> {
    const copy = new PartitionCopy(this.#store, partition, this.#clock, this.#pairs);
    this.#store.observer = copy;
    for (let isWhole = false; !isWhole;) {
      isWhole = copy.step();
      if (this.#pairs.isFull) await this.#writeCopied();
      else if (!isWhole || ++this.#stepsWithoutTurn % PARTITIONS_PER_TURN === 0) await setImmediate();
    }
    this.#store.observer = undefined;
  }

  /** Other work runs after each write, and may add more to write. */
  async #writeCopied(): Promise<void> {
    while (this.#pairs.isFull) await this.#writeChunk();
  }

  async #writeChunk(): Promise<void> {
    const chunk = this.#pairs.nextChunk();
    const payload = chunk.subarray(FRAME_HEADER_BYTES);
    let checksum = startOfChecksum('pairs');
    for (let at = 0; at < payload.length; at += CHUNK_BYTES) {
      if (at > 0) await setImmediate();
      checksum = crc32(payload.subarray(at, at + CHUNK_BYTES), checksum);
    }
    writeFrameHeader(chunk, 'pairs', payload.length, checksum);
    await this.#append(chunk);
    this.#pairs.release(chunk);
  }

  async #writeFrame(kind: FrameKind, payload: Buffer): Promise<void> {
    const header = Buffer.allocUnsafe(FRAME_HEADER_BYTES);
    writeFrameHeader(header, kind, payload.length, crc32(payload, startOfChecksum(kind)));
    await this.#append(header);
    await this.#append(payload);
  }

  async #append(bytes: Buffer): Promise<void> {
    for (let written = 0; written < bytes.length;)
      written += (await this.#file.write(bytes, written)).bytesWritten;
    // A write may complete within one turn of the event loop.
    await setImmediate();
  }
}

/** How many partitions with few pairs are copied in one turn of the event loop. */
const PARTITIONS_PER_TURN = 128;
