import type { KeyId } from '@kvs/protocol';
import { halfSipHash, type HashKey } from './half-sip-hash.js';

/** The encoded key: the bytes and the hash of one key, in a buffer that the next key overwrites. */
export class KeyBuffer {
  bytes = Buffer.alloc(4096);
  length = 0;
  hash = 0;
  isBinary = false;
  isAscii = false;

  readonly #hashKey: HashKey;

  constructor(hashKey: HashKey) {
    this.#hashKey = hashKey;
  }

  /** Encodes the key of an id. */
  encode(id: KeyId): this {
    this.isBinary = id.charCodeAt(0) === BINARY_TAG;
    if (this.isBinary) this.#encodeHex(id);
    else if (!this.#encodeShortAscii(id)) this.#encodeText(id);
    this.hash = halfSipHash(this.bytes, this.length, this.#hashKey);
    return this;
  }

  #encodeHex(id: string): void {
    this.isAscii = false;
    this.length = (id.length - 1) / 2;
    this.#reserve(this.length);
    this.bytes.write(id.slice(1), 0, this.length, 'hex');
  }

  /** For short texts, a loop is faster than a call into Node. */
  #encodeShortAscii(id: string): boolean {
    const { length } = id;
    if (length > MAX_LOOP_LENGTH) return false;
    const { bytes } = this;
    let all = 0;
    for (let i = 1; i < length; i++) {
      const unit = id.charCodeAt(i);
      all |= unit;
      bytes[i - 1] = unit;
    }
    if (all > 0x7f) return false;
    this.length = length - 1;
    this.isAscii = true;
    return true;
  }

  #encodeText(id: string): void {
    const text = id.slice(1);
    this.length = Buffer.byteLength(text);
    this.isAscii = this.length === text.length;
    this.#reserve(this.length);
    this.bytes.write(text, 0, this.length, this.isAscii ? 'latin1' : 'utf8');
  }

  #reserve(length: number): void {
    if (length > this.bytes.length) this.bytes = Buffer.alloc(length);
  }
}

const MAX_LOOP_LENGTH = 64;
const BINARY_TAG = 'b'.charCodeAt(0);
