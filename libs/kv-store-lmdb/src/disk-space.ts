import { statfsSync } from 'node:fs';

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

  /** Counts bytes that are about to be written. */
  write(bytes: number): void {
    this.#writtenBytes += bytes;
  }

  /**
   * Returns whether there is so little that writes may soon fail.
   *
   * @param reusableBytes how many bytes of the file itself can be used again
   */
  isShort(reusableBytes = 0): boolean {
    return this.freeBytes + reusableBytes < RESERVED_BYTES;
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
