import { inlineArguments } from './inline-arguments.js';
import { ProtocolError } from './protocol-error.js';

/** One command as a client sent it. */
export interface Request {
  /** The name of the command as sent, cut off after {@link MAX_NAME_BYTES}. */
  readonly name: string;
  /** The arguments after the name. They are parts of the chunks that were read. */
  readonly args: readonly Buffer[];
  /** About how many bytes the request takes in memory. */
  readonly bytes: number;
}

export interface RequestLimits {
  /** Arguments of one request, with the name. */
  readonly maxArguments: number;
  readonly maxArgumentBytes: number;
  /** All arguments of one request together. */
  readonly maxRequestBytes: number;
}

/**
 * Reads the requests of one connection: arrays of bulk strings, and lines that somebody typed. Limits are checked as soon as a
 * count or a length is known, before any memory is taken for it. The time is linear in the bytes, however they are cut.
 */
export class RequestReader {
  readonly #limits: RequestLimits;
  /** The chunk that is being read, and where. */
  #chunk: Buffer = NOTHING;
  #at = 0;
  /** Chunks that came after it. */
  #later: Buffer[] = [];
  #laterBytes = 0;
  /** How many of the unread bytes have no line break. */
  #searchedBytes = 0;
  /** The request that has begun: its name, its arguments so far, and how many are still to come. */
  #name: string | undefined;
  #lastName = '';
  #args: Buffer[] = [];
  #missing = 0;
  #requestBytes = 0;
  /** How many of the arguments are copies, so that they don't retain a whole chunk. */
  #copied = 0;
  /** The length of the argument that comes next; -1 if it is not known yet. */
  #nextBytes = -1;

  constructor(limits: RequestLimits) {
    this.#limits = limits;
  }

  /**
   * Adds bytes as they came. They are not always copied at once, so nobody may write to the chunk afterwards. Small chunks are
   * joined, because each of them takes more memory than its bytes.
   */
  push(chunk: Buffer): void {
    if (this.#unreadBytes === 0) {
      this.#chunk = chunk;
      this.#at = 0;
      return;
    }
    const last = this.#later.at(-1);
    if (last !== undefined && last.length + chunk.length <= MAX_JOINED_BYTES)
      this.#later[this.#later.length - 1] = Buffer.concat([last, chunk]);
    else this.#later.push(chunk);
    this.#laterBytes += chunk.length;
  }

  /** Forgets all that has not been read. */
  clear(): void {
    this.#chunk = NOTHING;
    this.#at = 0;
    this.#later = [];
    this.#laterBytes = 0;
    this.#searchedBytes = 0;
    this.#args = [];
    this.#requestBytes = 0;
    this.#copied = 0;
  }

  /** About how many bytes the reader holds in memory. */
  get heldBytes(): number {
    return this.#unreadBytes + this.#requestBytes;
  }

  /**
   * Returns the next request; undefined if more bytes are needed.
   *
   * @throws ProtocolError after which nothing can be read any more
   */
  next(): Request | undefined {
    for (;;) {
      if (this.#at === this.#chunk.length && !this.#advance()) return this.#runDry();
      if (this.#missing > 0) {
        if (!this.#readArgument()) return this.#runDry();
        if (this.#missing === 0) return this.#finish();
      } else if (this.#chunk[this.#at] === ASTERISK) {
        const count = this.#readNumber('invalid multibulk length');
        if (count === undefined) return this.#runDry();
        if (count > this.#limits.maxArguments) throw new ProtocolError('invalid multibulk length');
        // An empty array asks for nothing, as in Redis.
        this.#missing = Math.max(count, 0);
      } else {
        const line = this.#readLine();
        if (line === undefined) return this.#runDry();
        const words = inlineArguments(line);
        if (words.length > this.#limits.maxArguments) throw new ProtocolError('too big inline request');
        for (const word of words) {
          this.#checkBytes(word.length);
          this.#add(word, 0, word.length);
        }
        if (this.#name !== undefined) return this.#finish();
      }
    }
  }

  /** Goes on to the next chunk. Returns false if there is none. */
  #advance(): boolean {
    const next = this.#later.shift();
    if (next === undefined) return false;
    this.#chunk = next;
    this.#at = 0;
    this.#laterBytes -= next.length;
    return true;
  }

  get #unreadBytes(): number {
    return this.#chunk.length - this.#at + this.#laterBytes;
  }

  /** Returns false if more bytes are needed. */
  #readArgument(): boolean {
    if (this.#nextBytes === -1) {
      const type = this.#chunk[this.#at];
      if (type !== DOLLAR) throw new ProtocolError(`expected '$', got '${printable(type)}'`);
      const bytes = this.#readNumber('invalid bulk length');
      if (bytes === undefined) return false;
      this.#checkBytes(bytes);
      this.#nextBytes = bytes;
    }
    const end = this.#nextBytes + CRLF_BYTES;
    if (this.#unreadBytes < end) return false;
    if (this.#chunk.length - this.#at < end) this.#join();
    const from = this.#at;
    const to = from + this.#nextBytes;
    if (this.#chunk[to] !== CR || this.#chunk[to + 1] !== LF)
      throw new ProtocolError('expected a line break after a bulk string');
    this.#at += end;
    this.#nextBytes = -1;
    this.#missing--;
    this.#add(this.#chunk, from, to);
    return true;
  }

  /** @throws ProtocolError if the next argument has too many bytes by itself, or together with those before it */
  #checkBytes(bytes: number): void {
    const { maxArgumentBytes, maxRequestBytes } = this.#limits;
    if (bytes < 0 || bytes > maxArgumentBytes) throw new ProtocolError('invalid bulk length');
    if (this.#requestBytes + bytes > maxRequestBytes) throw new ProtocolError('too big request');
  }

  /** Takes bytes as the name or the next argument. */
  #add(bytes: Buffer, from: number, to: number): void {
    if (this.#name === undefined) this.#name = this.#nameIn(bytes, from, to);
    else this.#args.push(bytes.subarray(from, to));
    this.#requestBytes += to - from + ARGUMENT_BYTES;
  }

  /** Clients repeat commands, and comparing a name with the last one costs less than decoding it. */
  #nameIn(bytes: Buffer, from: number, to: number): string {
    if (!isText(bytes, from, to, this.#lastName))
      this.#lastName = bytes.toString('utf8', from, Math.min(to, from + MAX_NAME_BYTES));
    return this.#lastName;
  }

  #finish(): Request {
    const request = { name: this.#name ?? '', args: this.#args, bytes: this.#requestBytes };
    this.#name = undefined;
    this.#args = [];
    this.#requestBytes = 0;
    this.#copied = 0;
    return request;
  }

  /**
   * Reads the number after the type byte, and its line break.
   *
   * @param invalid the message for anything else
   * @returns undefined if more bytes are needed
   */
  #readNumber(invalid: string): number | undefined {
    if (this.#laterBytes > 0 && this.#chunk.length - this.#at < MAX_NUMBER_BYTES) this.#join();
    const chunk = this.#chunk;
    const isNegative = chunk[this.#at + 1] === MINUS;
    const first = this.#at + (isNegative ? 2 : 1);
    let at = first;
    let value = 0;
    for (; at < chunk.length; at++) {
      const digit = (chunk[at] ?? 0) - DIGIT_0;
      if (digit < 0 || digit > 9) break;
      if (at - first === MAX_DIGITS) throw new ProtocolError(invalid);
      value = 10 * value + digit;
    }
    if (at === chunk.length) return undefined;
    if (at === first || chunk[at] !== CR) throw new ProtocolError(invalid);
    if (at + 1 === chunk.length) return undefined;
    if (chunk[at + 1] !== LF) throw new ProtocolError(invalid);
    this.#at = at + CRLF_BYTES;
    return isNegative ? -value : value;
  }

  /** Returns a line without its end; undefined if more bytes are needed. */
  #readLine(): Buffer | undefined {
    const hasEnd = this.#findLineEnd();
    const length = this.#searchedBytes;
    if (length > MAX_LINE_BYTES) throw new ProtocolError('too big inline request');
    if (!hasEnd) return undefined;
    if (this.#chunk.length - this.#at <= length) this.#join();
    const line = this.#chunk.subarray(this.#at, this.#at + length);
    this.#at += length + 1;
    this.#searchedBytes = 0;
    return line;
  }

  /** Searches the bytes that were not searched before. Returns whether there is a line break after the searched bytes. */
  #findLineEnd(): boolean {
    let start = 0;
    for (const chunk of [this.#chunk.subarray(this.#at), ...this.#later]) {
      const at = chunk.indexOf(LF, Math.max(this.#searchedBytes - start, 0));
      this.#searchedBytes = Math.max(this.#searchedBytes, start + (at === -1 ? chunk.length : at));
      if (at !== -1) return true;
      start += chunk.length;
    }
    return false;
  }

  /** Makes one chunk of all that is unread. */
  #join(): void {
    this.#chunk = Buffer.concat([this.#chunk.subarray(this.#at), ...this.#later]);
    this.#at = 0;
    this.#later = [];
    this.#laterBytes = 0;
  }

  /** Copies what is small in a large chunk, so that a request that has not arrived in full doesn't retain it. */
  #runDry(): undefined {
    for (; this.#copied < this.#args.length; this.#copied++)
      this.#args[this.#copied] = Buffer.from(this.#args[this.#copied] ?? NOTHING);
    const unread = this.#chunk.length - this.#at;
    if (unread < this.#chunk.length / 2) {
      this.#chunk = unread === 0 ? NOTHING : Buffer.from(this.#chunk.subarray(this.#at));
      this.#at = 0;
    }
    return undefined;
  }
}

/** No command of Redis has a longer name, and an error shows no more of it. */
export const MAX_NAME_BYTES = 128;

/** Redis has the same limit for lines. */
const MAX_LINE_BYTES = 64 * 1024;
/** Far more than a chunk takes besides its bytes, and quickly copied. */
const MAX_JOINED_BYTES = 1024;
/** Enough for any limit of a count or a length. */
const MAX_DIGITS = 10;
/** The type, a sign, the digits and the line break. */
const MAX_NUMBER_BYTES = MAX_DIGITS + 4;
/** About what an argument takes besides its bytes. */
const ARGUMENT_BYTES = 128;
const NOTHING = Buffer.alloc(0);
const CRLF_BYTES = 2;
const CR = 0x0d;
const LF = 0x0a;
const ASTERISK = 0x2a;
const DOLLAR = 0x24;
const MINUS = 0x2d;
const FIRST_NON_ASCII = 0x80;
const DIGIT_0 = 0x30;

/** Returns whether bytes are an ASCII text. */
function isText(bytes: Buffer, from: number, to: number, text: string): boolean {
  if (text.length !== to - from) return false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code !== bytes[from + i] || code >= FIRST_NON_ASCII) return false;
  }
  return true;
}

function printable(byte: number | undefined): string {
  return byte !== undefined && byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '?';
}
