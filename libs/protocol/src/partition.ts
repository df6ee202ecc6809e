import type { Key } from './key.js';

/** How many partitions the key space is cut into. */
export const PARTITION_COUNT = 4096;

/** How many slots Redis Cluster has: four for each partition. */
export const SLOT_COUNT = 16_384;

/** The numbers of all partitions, in ascending order. */
export const ALL_PARTITIONS: readonly number[] = Object.freeze(
  Array.from({ length: PARTITION_COUNT }, (_, partition) => partition),
);

/**
 * The name of {@link partitionOf}. Whatever stores or sends partition numbers names it, so that numbers of another
 * function are never mistaken for these.
 */
export const PARTITION_FUNCTION = 'crc16/1';

/** Returns the partition of a key, 0 to 4,095: a partition is four slots of Redis Cluster. O(length of the key). */
export function partitionOf(key: Key): number {
  return slotOf(key) >>> 2;
}

/**
 * Returns the slot that Redis Cluster gives a key of the same bytes, 0 to 16,383: the CRC16 of the bytes modulo
 * 16,384. If the key has a hash tag, only the bytes of the tag count. The tag is the text between the first `{` and the
 * first `}` after it, if there is any text between them.
 */
export function slotOf({ encoding, data }: Key): number {
  const crc = encoding === 'string' ? crc16OfTaggedText(data) : crc16OfTaggedHex(data);
  return crc & (SLOT_COUNT - 1);
}

/** Returns the slot of a key that is given by its bytes, as {@link slotOf} does. O(length). */
export function slotOfBytes(bytes: Uint8Array): number {
  const open = bytes.indexOf(OPENING_BRACE);
  const close = open === -1 ? -1 : bytes.indexOf(CLOSING_BRACE, open + 1);
  const isTagged = close > open + 1;
  const end = isTagged ? close : bytes.length;
  let crc = 0;
  for (let at = isTagged ? open + 1 : 0; at < end; at++) crc = addByte(crc, bytes[at] ?? 0);
  return crc & (SLOT_COUNT - 1);
}

/** Braces are single bytes in UTF-8, so the tag of a text is the tag of its bytes. */
function crc16OfTaggedText(text: string): number {
  const open = text.indexOf('{');
  const close = open === -1 ? -1 : text.indexOf('}', open + 1);
  return close > open + 1 ? crc16OfText(text, open + 1, close) : crc16OfText(text, 0, text.length);
}

function crc16OfTaggedHex(hex: string): number {
  const open = indexOfByte(hex, OPENING_BRACE, 0);
  const close = open === -1 ? -1 : indexOfByte(hex, CLOSING_BRACE, open + 2);
  return close > open + 2 ? crc16OfHex(hex, open + 2, close) : crc16OfHex(hex, 0, hex.length);
}

/** Encodes UTF-8 on the fly, so that nothing is allocated. */
function crc16OfText(text: string, start: number, end: number): number {
  let crc = 0;
  for (let at = start; at < end; at++) {
    let code = text.charCodeAt(at);
    if (code < 0x80) {
      crc = addByte(crc, code);
      continue;
    }
    if (code < 0x800) {
      crc = addByte(crc, 0xc0 | (code >>> 6));
    } else {
      if (isSurrogate(code)) {
        code = 0x10000 + ((code & 0x3ff) << 10) + (text.charCodeAt(++at) & 0x3ff);
        crc = addByte(crc, 0xf0 | (code >>> 18));
        crc = addByte(crc, 0x80 | ((code >>> 12) & 0x3f));
      } else {
        crc = addByte(crc, 0xe0 | (code >>> 12));
      }
      crc = addByte(crc, 0x80 | ((code >>> 6) & 0x3f));
    }
    crc = addByte(crc, 0x80 | (code & 0x3f));
  }
  return crc;
}

function crc16OfHex(hex: string, start: number, end: number): number {
  let crc = 0;
  for (let at = start; at < end; at += 2) crc = addByte(crc, byteAt(hex, at));
  return crc;
}

function addByte(crc: number, byte: number): number {
  return ((crc << 8) & 0xff00) ^ (CRC16[(crc >>> 8) ^ byte] ?? 0);
}

/** @returns the index of the byte's first digit, or -1 */
function indexOfByte(hex: string, byte: number, from: number): number {
  for (let at = from; at < hex.length; at += 2) if (byteAt(hex, at) === byte) return at;
  return -1;
}

/** Returns the byte that two lower-case digits stand for. */
function byteAt(hex: string, at: number): number {
  return (digitAt(hex, at) << 4) | digitAt(hex, at + 1);
}

function digitAt(hex: string, at: number): number {
  const code = hex.charCodeAt(at);
  return code < LETTER_A ? code - DIGIT_0 : code - LETTER_A + 10;
}

/** Valid keys have surrogates only in pairs. */
function isSurrogate(code: number): boolean {
  return (code & 0xf800) === 0xd800;
}

const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;
const DIGIT_0 = 0x30;
const LETTER_A = 0x61;

/** CRC-16/XMODEM: polynomial 0x1021, initial value 0, not reflected. */
const POLYNOMIAL = 0x1021;

const CRC16 = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc & 0x8000 ? POLYNOMIAL : 0);
  return crc;
});
