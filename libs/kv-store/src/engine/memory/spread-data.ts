import type { DataEncoding } from './record-data.js';
import type { PieceCursor } from './slab/piece-cursor.js';

/**
 * Puts data into bytes that are spread over pieces, and gets it out of them: by way of buffers that are used again and
 * again, so that values of ever other lengths leave nothing of ever other lengths to the garbage collector.
 */
export class SpreadData {
  #buffer: Buffer | undefined;
  /** For values that are larger; it goes when the garbage collector comes by. */
  #larger: WeakRef<Buffer> | undefined;

  write(cursor: PieceCursor, data: string, encoding: DataEncoding): void {
    const buffer = this.#bufferFor(BUFFER_BYTES);
    for (let from = 0; from < data.length;) {
      const to = endOfPart(data, from);
      cursor.write(buffer, buffer.write(data.slice(from, to), encoding));
      from = to;
    }
  }

  /** All is put together before it is decoded: a character may lie in two pieces. */
  read(cursor: PieceCursor, byteCount: number, encoding: DataEncoding): string {
    const buffer = this.#bufferFor(byteCount);
    cursor.read(buffer, 0, byteCount);
    return buffer.toString(encoding, 0, byteCount);
  }

  #bufferFor(byteCount: number): Buffer {
    if (byteCount <= BUFFER_BYTES) return (this.#buffer ??= Buffer.allocUnsafeSlow(BUFFER_BYTES));
    const known = this.#larger?.deref();
    if (known !== undefined && known.length >= byteCount) return known;
    const larger = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(byteCount)));
    this.#larger = new WeakRef(larger);
    return larger;
  }
}

const BUFFER_BYTES = 64 * 1024;

/** An even number, as two hexadecimal digits make a byte; and each unit makes three bytes at most. */
const PART_UNITS = 2 * Math.floor(BUFFER_BYTES / 3 / 2);

/** Up to where a part goes that fits the buffer and ends with a whole character. */
function endOfPart(data: string, from: number): number {
  const to = from + PART_UNITS;
  if (to >= data.length) return data.length;
  const last = data.charCodeAt(to - 1);
  return last >= 0xd800 && last <= 0xdbff ? to - 1 : to;
}
