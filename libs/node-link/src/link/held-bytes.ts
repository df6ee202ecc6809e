/** A link, as far as {@link HeldBytes} knows it. */
export interface Holder {
  close(reason: string): void;
}

/**
 * Counts the bytes that a node holds for its links. Beyond a limit, it closes the links that have held bytes for the
 * longest, so that a slow peer can't keep others out.
 */
export class HeldBytes {
  #total = 0;
  /** The oldest first. */
  readonly #byHolder = new Map<Holder, number>();

  readonly #maxBytes: number;
  readonly #maxAloneBytes: number;
  readonly #reason: string;
  readonly #changed: (bytes: number) => void;

  /**
   * @param maxBytes limit for all links together
   * @param maxAloneBytes limit for the only link that holds any bytes, if it is larger than `maxBytes`: one link must be
   * able to hold the largest frame or answer
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
    this.#maxAloneBytes = maxAloneBytes;
    this.#reason = reason;
    this.#changed = changed;
  }

  /**
   * Sets the number of bytes that are held for a link. The age of a link counts from when it last had 0 bytes.
   * Constant time, and linear in the number of links that are closed.
   */
  set(holder: Holder, bytes: number): void {
    const before = this.#byHolder.get(holder) ?? 0;
    if (bytes === before) return;
    this.#total += bytes - before;
    this.#changed(bytes - before);
    if (bytes > 0) this.#byHolder.set(holder, bytes);
    else this.#byHolder.delete(holder);
    if (this.#total > this.#maxBytes) this.#closeOldest();
  }

  #closeOldest(): void {
    for (const [holder, bytes] of this.#byHolder) {
      const isAlone = this.#byHolder.size === 1;
      if (this.#total <= (isAlone ? Math.max(this.#maxBytes, this.#maxAloneBytes) : this.#maxBytes)) return;
      this.#byHolder.delete(holder);
      this.#total -= bytes;
      this.#changed(-bytes);
      holder.close(this.#reason);
    }
  }
}
