/** How to read `data`: as text, or as hexadecimal digits, two for a byte. */
export type Encoding = 'string' | 'binary';

/** A key or a value on the wire. The type alone does not promise that `data` is valid. */
export interface EncodedData {
  readonly encoding: Encoding;
  readonly data: string;
}

/** Whether this names an encoding. */
export function isEncoding(value: unknown): value is Encoding {
  return value === 'string' || value === 'binary';
}

/**
 * Returns whether `data` is valid: well-formed Unicode for `string` (no lone surrogate), an even number of
 * hexadecimal digits for `binary`. The empty text is valid in both. O(length).
 */
export function isValidData(encoding: Encoding, data: string): boolean {
  return encoding === 'string' ? data.isWellFormed() : data.length % 2 === 0 && !NON_HEX.test(data);
}

/** Returns the canonical form of valid `data`: unchanged for `string`, lower case for `binary`. */
export function canonicalData(encoding: Encoding, data: string): string {
  return encoding === 'string' ? data : data.toLowerCase();
}

/** Returns how many bytes valid `data` has: its UTF-8 length, or half its digits. */
export function byteLength({ encoding, data }: EncodedData): number {
  return encoding === 'string' ? utf8Length(data) : data.length / 2;
}

const NON_HEX = /[^0-9a-fA-F]/;
const NON_ASCII = /[^\x00-\x7f]/;

/** Does not use Buffer, so that this module also runs in a browser. */
function utf8Length(text: string): number {
  if (!NON_ASCII.test(text)) return text.length;
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    else if (unit >= 0xd800 && unit < 0xdc00) {
      bytes += 4; // a well-formed text has the other half next
      i++;
    } else bytes += 3;
  }
  return bytes;
}
