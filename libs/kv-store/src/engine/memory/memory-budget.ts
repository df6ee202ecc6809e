/** Counts how many bytes the engine uses, and how many it may use. */
export class MemoryBudget {
  /** Bytes allowed beyond the maximum, while a snapshot is loaded. */
  allowanceBytes = 0;
  #usedBytes = 0;

  constructor(readonly maxBytes: number) {}

  get usedBytes(): number {
    return this.#usedBytes;
  }

  get limitBytes(): number {
    return this.maxBytes + this.allowanceBytes;
  }

  get freeBytes(): number {
    return Math.max(0, this.limitBytes - this.#usedBytes);
  }

  /** Returns whether `bytes` more bytes fit. */
  fits(bytes: number): boolean {
    return this.#usedBytes + bytes <= this.limitBytes;
  }

  /** @param bytes allocated; negative if they were freed */
  charge(bytes: number): void {
    this.#usedBytes += bytes;
  }
}
