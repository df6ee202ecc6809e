/** A link, as far as {@link HeldBytes} knows it. */
export interface Holder {
  close(reason: string): void;
}

/**
 * Counts the bytes that a node holds for its links. Beyond a limit, it closes links, so that a slow peer can't keep others out.
 * A busy link always has some bytes, so links that hold much are closed first, those that have done so for the longest before
 * the others.
 */
export class HeldBytes {
  #total = 0;
  /** The links that hold at least {@link #largeBytes}, those that have done so for the longest first. */
  readonly #large = new Map<Holder, number>();
  /** The other links that hold any bytes, those whose bytes have not changed for the longest first. */
  readonly #small = new Map<Holder, number>();

  readonly #maxBytes: number;
  readonly #largeBytes: number;
  readonly #maxAloneBytes: number;
  readonly #reason: string;
  readonly #changed: (bytes: number) => void;

  /**
   * @param maxBytes limit for all links together
   * @param maxAloneBytes limit for all links together if one of them alone holds much, if it is larger than `maxBytes`: one
   * link must be able to hold the largest frame or answer
   * @param reason passed to a link that is closed
   * @param changed called with the bytes by which the total grew, negative if it shrank
   */
  constructor(
    maxBytes: number,
    maxAloneBytes: number,
    reason: string,
    changed: (bytes: number) => void = () => undefined,
  ) {
    this.#maxBytes = maxBytes;
    this.#largeBytes = maxBytes * LARGE_PART;
    this.#maxAloneBytes = maxAloneBytes;
    this.#reason = reason;
    this.#changed = changed;
  }

  /**
   * Sets the number of bytes that are held for a link. Constant time, and linear in the number of links that are closed.
   */
  set(holder: Holder, bytes: number): void {
    const before = this.#large.get(holder) ?? this.#small.get(holder) ?? 0;
    if (bytes === before) return;
    this.#total += bytes - before;
    this.#changed(bytes - before);
    this.#small.delete(holder);
    if (bytes >= this.#largeBytes) this.#large.set(holder, bytes);
    else {
      this.#large.delete(holder);
      if (bytes > 0) this.#small.set(holder, bytes);
    }
    if (this.#total > this.#maxBytes) this.#closeOldest();
  }

  #closeOldest(): void {
    for (const holders of [this.#large, this.#small]) {
      for (const [holder, bytes] of holders) {
        const isAlone = this.#large.size === 1;
        if (this.#total <= (isAlone ? Math.max(this.#maxBytes, this.#maxAloneBytes) : this.#maxBytes)) return;
        holders.delete(holder);
        this.#total -= bytes;
        this.#changed(-bytes);
        holder.close(this.#reason);
      }
    }
  }
}

/** The part of the limit from which a link holds much. The waiting calls of a link that works well are far below it. */
const LARGE_PART = 1 / 64;
