/** The keys `key-000000000000`, `key-000000000001`, … as bytes in one buffer, without an allocation per key. */
export class KeySequence {
  readonly #key = new TextEncoder().encode('key-000000000000');
  #isFirst = true;

  /** Returns the next key. It is valid until the following call. */
  next(): Uint8Array {
    if (this.#isFirst) this.#isFirst = false;
    else this.#increment();
    return this.#key;
  }

  #increment(): void {
    let at = this.#key.length - 1;
    while (this.#key[at] === NINE) this.#key[at--] = ZERO;
    this.#key[at] = (this.#key[at] ?? ZERO) + 1;
  }
}

const ZERO = 0x30;
const NINE = 0x39;
