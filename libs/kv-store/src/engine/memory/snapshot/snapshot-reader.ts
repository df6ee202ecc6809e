import { open, type FileHandle } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { codeOf, PARTITION_COUNT } from '@kvs/protocol';
import { partitionFunctionProblem } from '../../partition-function.js';
import type { PairStore } from '../pair-store.js';
import {
  FRAME_HEADER_BYTES,
  isIntact,
  MAGIC,
  MAX_FRAME_BYTES,
  OLD_MAGIC,
  readCount,
  readFloors,
  readFrameHeader,
  readPairs,
  type FrameKind,
} from './snapshot-format.js';
import { SnapshotError } from './snapshot-options.js';

/**
 * Loads a snapshot into an empty store, completely or not at all. Other work runs between frames.
 *
 * @param progressed receives how much of the file was read, from 0 to 1
 * @returns how many pairs the snapshot has, or undefined if there is no such file
 * @throws SnapshotError
 */
export async function readSnapshot(
  store: PairStore,
  path: string,
  progressed: (share: number) => void,
): Promise<number | undefined> {
  const file = await open(path, 'r').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (file === undefined) return undefined;
  try {
    return await new SnapshotReader(store, path, file, (await file.stat()).size).read(progressed);
  } catch (error) {
    store.clear();
    throw error;
  } finally {
    await file.close();
  }
}

class SnapshotReader {
  #position = 0;
  #pairCount = 0;

  readonly #store: PairStore;
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #size: number;

  constructor(store: PairStore, path: string, file: FileHandle, size: number) {
    this.#store = store;
    this.#path = path;
    this.#file = file;
    this.#size = size;
  }

  async read(progressed: (share: number) => void): Promise<number> {
    const magic = await this.#readBytes(MAGIC.length);
    if (magic.equals(OLD_MAGIC)) this.#checkPartitionFunction(undefined);
    if (!magic.equals(MAGIC)) throw this.#damaged('is not a snapshot');
    const first = await this.#readFrame();
    if (first.kind !== 'partition-function')
      throw this.#damaged('is damaged: its first frame is of another kind');
    this.#checkPartitionFunction(first.payload.toString());
    for (let isAtEnd = false; !isAtEnd;) {
      const { kind, payload } = await this.#readFrame();
      isAtEnd = this.#applyFrame(kind, payload);
      progressed(this.#position / this.#size);
      await setImmediate();
    }
    if (this.#position !== this.#size) throw this.#damaged('is damaged: it continues after its end');
    return this.#pairCount;
  }

  #checkPartitionFunction(name: string | undefined): void {
    const problem = partitionFunctionProblem(name);
    if (problem !== undefined) throw new SnapshotError('incompatible', this.#path, problem);
  }

  async #readFrame(): Promise<{ kind: FrameKind; payload: Buffer }> {
    const at = this.#position;
    const header = await this.#readBytes(FRAME_HEADER_BYTES);
    const { kind, length } = readFrameHeader(header);
    if (length > MAX_FRAME_BYTES)
      throw this.#damaged(`is damaged: the frame at byte ${at} would have ${length} bytes`);
    const payload = await this.#readBytes(length);
    if (kind === undefined || !isIntact(header, payload))
      throw this.#damaged(`is damaged: the checksum at byte ${at} is wrong`);
    return { kind, payload };
  }

  async #readBytes(length: number): Promise<Buffer> {
    if (this.#position + length > this.#size)
      throw this.#damaged(`is damaged: it is cut off at byte ${this.#size}`);
    const bytes = Buffer.allocUnsafe(length);
    for (let read = 0; read < length;) {
      const { bytesRead } = await this.#file.read(bytes, read, length - read, this.#position + read);
      if (bytesRead === 0) throw this.#damaged(`is damaged: it is cut off at byte ${this.#position + read}`);
      read += bytesRead;
    }
    this.#position += length;
    return bytes;
  }

  /** Returns whether that was the last frame. A frame may have the right checksum and make no sense. */
  #applyFrame(kind: FrameKind, payload: Buffer): boolean {
    try {
      return this.#apply(kind, payload);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw this.#damaged(`is damaged: ${error.message}`);
    }
  }

  #apply(kind: FrameKind, payload: Buffer): boolean {
    switch (kind) {
      case 'pairs':
        for (const pair of readPairs(payload)) {
          this.#checkPartition(pair.partition);
          if (!this.#store.restore(pair)) throw this.#tooLarge();
          this.#pairCount += 1;
        }
        return false;
      case 'floors':
        for (const { partition, floor } of readFloors(payload)) {
          this.#checkPartition(partition);
          this.#store.raiseVersionFloor(partition, floor);
        }
        return false;
      case 'partition-function':
        throw this.#damaged('is damaged: it names its partition function twice');
      case 'end':
        if (readCount(payload) !== this.#pairCount)
          throw this.#damaged('is damaged: its count of pairs is wrong');
        return true;
    }
  }

  #checkPartition(partition: number): void {
    if (partition >= PARTITION_COUNT)
      throw this.#damaged('is damaged: it names a partition that does not exist');
  }

  #damaged(reason: string): SnapshotError {
    return new SnapshotError('damaged', this.#path, reason);
  }

  #tooLarge(): SnapshotError {
    const { maxBytes } = this.#store.budget;
    return new SnapshotError(
      'too_large',
      this.#path,
      `holds more than the memory limit of ${maxBytes} bytes`,
    );
  }
}
