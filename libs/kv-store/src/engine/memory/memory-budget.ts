/** How many bytes the engine holds, and how many it may hold. */
export class MemoryBudget {
  #usedBytes = 0;

  constructor(readonly maxBytes: number) {}

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Whether so many more bytes fit, when `soonFreed` of the bytes held are about to be let go. */
  fits(bytes: number, soonFreed = 0): boolean {
    return this.#usedBytes + bytes - soonFreed <= this.maxBytes;
  }

  /** @param bytes that came; fewer than none for those that went */
  charge(bytes: number): void {
    this.#usedBytes += bytes;
  }
}
