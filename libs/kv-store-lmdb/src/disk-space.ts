import { statfsSync } from 'node:fs';

/** How many bytes a file in a directory can still grow by; infinite if the system does not say. Asks at most once in a second. */
export class DiskSpace {
  readonly #directory: string;
  readonly #read: (directory: string) => number;
  readonly #nowMs: () => number;
  #freeBytes = Infinity;
  #readMs = -Infinity;

  constructor(directory: string, read = availableBytes, nowMs = () => performance.now()) {
    this.#directory = directory;
    this.#read = read;
    this.#nowMs = nowMs;
  }

  get freeBytes(): number {
    const nowMs = this.#nowMs();
    if (nowMs - this.#readMs >= READ_INTERVAL_MS) {
      this.#readMs = nowMs;
      this.#look();
    }
    return this.#freeBytes;
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
const RESERVED_BYTES = 64 * 1024 * 1024;
