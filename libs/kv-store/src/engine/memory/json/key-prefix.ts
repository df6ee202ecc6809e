import { isValidData } from '@kvs/protocol';
import { MAX_KEY_IN_HEAD_BYTES, type RawRecord } from '../raw-record.js';
import type { Records } from '../records.js';

/** A prefix that is compared with keys in their memory. */
export class KeyPrefix {
  readonly #isBinary: boolean;
  /**
   * Undefined if the prefix ends within a character or a byte, or if it is longer than what a head surely has of a
   * key.
   */
  readonly #bytes: Buffer | undefined;

  readonly #idPrefix: string;

  constructor(idPrefix: string) {
    this.#idPrefix = idPrefix;
    this.#isBinary = idPrefix.startsWith('b');
    const data = idPrefix.slice(1);
    if (!isValidData(this.#isBinary ? 'binary' : 'string', data)) return;
    const bytes = Buffer.from(data, this.#isBinary ? 'hex' : 'utf8');
    if (bytes.length <= MAX_KEY_IN_HEAD_BYTES) this.#bytes = bytes;
  }

  matches(records: Records, ref: number, record: RawRecord): boolean {
    if (this.#idPrefix === '') return true;
    const prefix = this.#bytes;
    if (prefix === undefined) return records.id(ref).startsWith(this.#idPrefix);
    const { bytes, keyStart, valueStart, keyIsBinary } = record;
    if (keyIsBinary !== this.#isBinary || valueStart - keyStart < prefix.length) return false;
    for (let i = 0; i < prefix.length; i++) if (bytes[keyStart + i] !== prefix[i]) return false;
    return true;
  }
}
