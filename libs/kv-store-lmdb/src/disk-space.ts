import { statfsSync } from 'node:fs';

/** How many bytes may be written. */
export interface Room {
  readonly bytes: number;
  /** By how many bytes the file may grow. A large record needs pages in a row, which LMDB may find only at the end of the file. */
  readonly growthBytes: number;
}

/**
 * How many bytes a file in a directory can still grow by; infinite if the system does not say. Asks again after a second, and after
 * half of the reserve was written.
 */
export class DiskSpace {
  readonly #directory: string;
  readonly #read: (directory: string) => number;
  readonly #nowMs: () => number;
  #freeBytes = Infinity;
  #readMs = -Infinity;
  #writtenBytes = 0;

  constructor(directory: string, read = availableBytes, nowMs = () => performance.now()) {
    this.#directory = directory;
    this.#read = read;
    this.#nowMs = nowMs;
  }

  get freeBytes(): number {
    const nowMs = this.#nowMs();
    if (nowMs - this.#readMs >= READ_INTERVAL_MS || this.#writtenBytes >= RESERVED_BYTES / 2) {
      this.#readMs = nowMs;
      this.#writtenBytes = 0;
      this.#look();
    }
    return this.#freeBytes;
  }

  /**
   * Returns how many bytes may be written now, so that no write meets a full disk. They are negative if the reserve is touched.
   *
   * @param wantedBytes how many are about to be written
   * @param reusableBytes how many bytes of the file itself can be used again; asked only if the disk alone has no room
   */
  room(wantedBytes: number, reusableBytes: () => number): Room {
    const { freeBytes } = this;
    this.#writtenBytes += wantedBytes;
    const hasRoom = freeBytes >= RESERVED_BYTES + wantedBytes;
    return { bytes: freeBytes - RESERVED_BYTES + (hasRoom ? 0 : reusableBytes()), growthBytes: freeBytes };
  }

  #look(): void {
    try {
      this.#freeBytes = this.#read(this.#directory);
    } catch {
      // The directory was moved or deleted, which the engine notices itself.
    }
  }
}

/** Ignores quotas. Leaves out the blocks that the system reserves for root. */
function availableBytes(directory: string): number {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
}

const READ_INTERVAL_MS = 1000;
/** Room for deletes, which copy the pages that they change, and for all that is written until the next look. */
export const RESERVED_BYTES = 64 * 1024 * 1024;
