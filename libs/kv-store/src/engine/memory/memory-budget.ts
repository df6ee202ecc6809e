/** How many bytes the engine holds, and how many it may hold. */
export class MemoryBudget {
  #usedBytes = 0;

  constructor(readonly maxBytes: number) {}

  get usedBytes(): number {
    return this.#usedBytes;
  }

  get freeBytes(): number {
    return Math.max(0, this.maxBytes - this.#usedBytes);
  }

  /** Whether so many more bytes fit. */
  fits(bytes: number): boolean {
    return this.#usedBytes + bytes <= this.maxBytes;
  }

  /** @param bytes that came; fewer than none for those that went */
  charge(bytes: number): void {
    this.#usedBytes += bytes;
  }
}
