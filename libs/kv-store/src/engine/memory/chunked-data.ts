import type { DataEncoding } from './record-data.js';
import type { ChunkCursor } from './slab/chunk-cursor.js';

/**
 * Writes data to chunks and reads it from them. It reuses its buffers, so that values of different lengths leave no
 * garbage.
 */
export class ChunkedData {
  #buffer: Buffer | undefined;
  /** A buffer for larger values, until the garbage collector frees it. */
  #larger: WeakRef<Buffer> | undefined;

  write(cursor: ChunkCursor, data: string, encoding: DataEncoding): void {
    const buffer = this.#bufferFor(BUFFER_BYTES);
    for (let from = 0; from < data.length;) {
      const to = endOfPart(data, from);
      cursor.write(buffer, buffer.write(data.slice(from, to), encoding));
      from = to;
    }
  }

  /** Puts all bytes together before it decodes them, because a character may be in two chunks. */
  read(cursor: ChunkCursor, byteCount: number, encoding: DataEncoding): string {
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

/** An even number, because two hexadecimal digits make a byte. A UTF-16 unit makes at most three bytes. */
const PART_UNITS = 2 * Math.floor(BUFFER_BYTES / 3 / 2);

/** Returns the end of a part that fits the buffer and ends with a whole character. */
function endOfPart(data: string, from: number): number {
  const to = from + PART_UNITS;
  if (to >= data.length) return data.length;
  const last = data.charCodeAt(to - 1);
  return last >= 0xd800 && last <= 0xdbff ? to - 1 : to;
}
