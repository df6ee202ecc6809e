import { Encoded, isArray, RedisError, type Reply } from '../reply.js';

/** The version of the protocol in which a client wants its replies. */
export type ProtocolVersion = 2 | 3;

/** Buffers for writers that are writing. A server has one of these, so that idle connections need no buffer. */
export class WriteBuffers {
  readonly #free: Buffer[] = [];

  get(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafe(BUFFER_BYTES);
  }

  release(buffer: Buffer): void {
    if (buffer.length === BUFFER_BYTES && this.#free.length < MAX_FREE_BUFFERS) this.#free.push(buffer);
  }
}

/** Writes replies of one connection one behind the other, so that those of one turn leave in one write. */
export class ReplyWriter {
  readonly #buffers: WriteBuffers;
  #bytes: Buffer = NOTHING;
  #length = 0;

  constructor(buffers: WriteBuffers) {
    this.#buffers = buffers;
  }

  /** How many bytes were written since the last {@link take}. */
  get length(): number {
    return this.#length;
  }

  /** Returns all that was written, and forgets it. */
  take(): Buffer {
    const buffer = this.#bytes;
    const written = buffer.subarray(0, this.#length);
    this.#bytes = NOTHING;
    this.#length = 0;
    if (buffer.length !== BUFFER_BYTES) return written;
    const copy = Buffer.from(written);
    this.#buffers.release(buffer);
    return copy;
  }

  /** O(size of the reply). */
  write(reply: Reply, version: ProtocolVersion): void {
    if (typeof reply === 'string') this.#text(reply);
    else if (typeof reply === 'number' || typeof reply === 'bigint') this.#line(`:${reply}`);
    else if (reply === null) this.#line(version === 3 ? '_' : '$-1');
    else if (reply instanceof Uint8Array) this.#bulk(reply);
    else if (isArray(reply)) this.#items(reply, version);
    else if (reply instanceof RedisError) this.#line(`-${oneLine(`${reply.prefix} ${reply.message}`)}`);
    else this.#other(reply, version);
  }

  #other(
    reply: Exclude<Reply, string | number | bigint | null | Uint8Array | readonly Reply[] | RedisError>,
    version: ProtocolVersion,
  ): void {
    switch (reply.type) {
      case 'simple':
        return this.#line(`+${reply.text}`);
      case 'set':
        return this.#items(reply.items, version, version === 3 ? '~' : '*');
      case 'null-array':
        return this.#line(version === 3 ? '_' : '*-1');
      case 'verbatim':
        if (version === 3) return this.#bulk(Buffer.from(`txt:${reply.text}`), '=');
        return this.#text(reply.text);
      case 'encoded': {
        const bytes = reply.bytes[version];
        this.#reserve(bytes.length);
        this.#bytes.set(bytes, this.#length);
        this.#length += bytes.length;
        return;
      }
      case 'map':
        if (version === 2) return this.#items(reply.entries.flat(), version);
        this.#line(`%${reply.entries.length}`);
        for (const [name, value] of reply.entries) {
          this.write(name, version);
          this.write(value, version);
        }
    }
  }

  #items(items: readonly Reply[], version: ProtocolVersion, type = '*'): void {
    this.#line(`${type}${items.length}`);
    for (const item of items) this.write(item, version);
  }

  #text(text: string): void {
    const bytes = Buffer.byteLength(text);
    this.#line(`$${bytes}`);
    this.#reserve(bytes + CRLF_BYTES);
    this.#length += this.#bytes.write(text, this.#length, 'utf8');
    this.#lineBreak();
  }

  #bulk(bytes: Uint8Array, type = '$'): void {
    this.#line(`${type}${bytes.length}`);
    this.#reserve(bytes.length + CRLF_BYTES);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    this.#lineBreak();
  }

  #line(text: string): void {
    this.#reserve(MAX_BYTES_PER_CODE_UNIT * text.length + CRLF_BYTES);
    if (!this.#shortAscii(text)) this.#length += this.#bytes.write(text, this.#length, 'utf8');
    this.#lineBreak();
  }

  /** Writes a few characters faster than a call of `write` does. Returns false if it wrote nothing. */
  #shortAscii(text: string): boolean {
    if (text.length > MAX_SHORT_CHARACTERS) return false;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code >= FIRST_NON_ASCII) return false;
      this.#bytes[this.#length + i] = code;
    }
    this.#length += text.length;
    return true;
  }

  #lineBreak(): void {
    this.#bytes[this.#length] = CR;
    this.#bytes[this.#length + 1] = LF;
    this.#length += CRLF_BYTES;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const larger =
      needed <= BUFFER_BYTES
        ? this.#buffers.get()
        : Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#buffers.release(this.#bytes);
    this.#bytes = larger;
  }
}

/** Returns a reply as its bytes on the wire. O(size of the reply). */
export function wireBytes(reply: Reply, version: ProtocolVersion): Buffer {
  const writer = new ReplyWriter(new WriteBuffers());
  writer.write(reply, version);
  return writer.take();
}

/** Returns a reply that is encoded once for all clients. */
export function encode(reply: Reply): Encoded {
  return new Encoded({ 2: wireBytes(reply, 2), 3: wireBytes(reply, 3) });
}

function oneLine(text: string): string {
  return text.replaceAll(/[\r\n]+/g, ' ');
}

const NOTHING = Buffer.alloc(0);
const BUFFER_BYTES = 16 * 1024;
const MAX_FREE_BUFFERS = 64;
const MAX_BYTES_PER_CODE_UNIT = 3;
const MAX_SHORT_CHARACTERS = 16;
const FIRST_NON_ASCII = 0x80;
const CRLF_BYTES = 2;
const CR = 0x0d;
const LF = 0x0a;
