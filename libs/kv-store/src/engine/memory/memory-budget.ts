/** How many bytes the engine holds, and how many it may hold. */
export class MemoryBudget {
  /** What may be held beyond the maximum, for as long as it is not 0. */
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

  /** Whether so many more bytes fit. */
  fits(bytes: number): boolean {
    return this.#usedBytes + bytes <= this.limitBytes;
  }

  /** @param bytes that came; fewer than none for those that went */
  charge(bytes: number): void {
    this.#usedBytes += bytes;
  }
}
