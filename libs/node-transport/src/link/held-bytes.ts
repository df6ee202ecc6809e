/** What can be made to hold nothing any more. */
export interface Holder {
  close(reason: string): void;
}

/**
 * Bytes that a node holds for its links. Beyond the limit in all, the link that has held some for the longest is closed: a
 * peer that is slow on purpose must not keep others out. What a link holds alone has limits of its own.
 */
export class HeldBytes {
  #total = 0;
  /** The oldest first. */
  readonly #byHolder = new Map<Holder, number>();

  /** @param reason why a link is closed */
  constructor(
    private readonly maxBytes: number,
    private readonly reason: string,
  ) {}

  /**
   * Notes how many bytes are held for a link now. With 0 it holds nothing; it is as old as when it last began to hold some.
   */
  set(holder: Holder, bytes: number): void {
    const before = this.#byHolder.get(holder) ?? 0;
    if (bytes === before) return;
    this.#total += bytes - before;
    if (bytes > 0) this.#byHolder.set(holder, bytes);
    else this.#byHolder.delete(holder);
    if (this.#total > this.maxBytes) this.#closeOldest();
  }

  #closeOldest(): void {
    for (const [holder, bytes] of this.#byHolder) {
      if (this.#total <= this.maxBytes || this.#byHolder.size === 1) return;
      this.#byHolder.delete(holder);
      this.#total -= bytes;
      holder.close(this.reason);
    }
  }
}
