/**
 * Limits how many bytes of fills a node sends per second, in all its fills together: a token bucket that `refill` fills. The
 * size of a chunk is known only after it was read, so the bucket is charged with an expected size first. Fills take turns.
 */
export class TransferBudget {
  #bytesPerSecond: number | undefined;
  #available = 0;
  #refilledMs: number;
  /** The fills that wait, in the order in which they came. */
  readonly #waiting = new Set<() => void>();
  #isGranting = false;

  /** @param nowMs the monotonic time in milliseconds */
  constructor(nowMs: number) {
    this.#refilledMs = nowMs;
  }

  /** @param bytesPerSecond undefined for no limit */
  limit(bytesPerSecond: number | undefined): void {
    if (bytesPerSecond !== this.#bytesPerSecond) this.#available = 0;
    this.#bytesPerSecond = bytesPerSecond;
    this.#grant();
  }

  /** Calls back once a chunk may be read: at once, or in a later `refill`. The reader then calls `spent`. */
  request(read: () => void): void {
    this.#waiting.add(read);
    this.#grant();
  }

  cancel(read: () => void): void {
    this.#waiting.delete(read);
  }

  /** @param bytes the size of the chunk that was read; 0 for none */
  spent(bytes: number): void {
    this.#available += EXPECTED_CHUNK_BYTES - bytes;
  }

  /** Adds what the time since the last call allows, and lets fills read. Must be called about every 100 ms. */
  refill(nowMs: number): void {
    const rate = this.#bytesPerSecond ?? 0;
    const added = (rate * (nowMs - this.#refilledMs)) / 1000;
    this.#refilledMs = nowMs;
    this.#available = Math.min(this.#available + added, (rate * MAX_BURST_MS) / 1000);
    this.#grant();
  }

  #grant(): void {
    if (this.#isGranting) return;
    this.#isGranting = true;
    // The loop also comes to readers that ask again meanwhile.
    for (const read of this.#waiting) {
      if (this.#bytesPerSecond !== undefined && this.#available <= 0) break;
      this.#waiting.delete(read);
      this.#available -= EXPECTED_CHUNK_BYTES;
      read();
    }
    this.#isGranting = false;
  }
}

/** Engines read chunks of about this size, or of one larger pair. */
const EXPECTED_CHUNK_BYTES = 32 * 1024;
/** A node that has sent nothing for a while may send the bytes of this time at once. */
const MAX_BURST_MS = 500;
