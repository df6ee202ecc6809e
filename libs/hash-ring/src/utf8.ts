/**
 * Returns the Unicode scalar value at a position in a string. A lone surrogate counts as U+FFFD, as in `TextEncoder`.
 */
export function scalarValueAt(text: string, at: number): number {
  const point = text.codePointAt(at) ?? 0xfffd;
  return point >= 0xd800 && point <= 0xdfff ? 0xfffd : point;
}

/** Returns how many bytes a scalar value has in UTF-8. */
export function utf8Size(point: number): number {
  return point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
}

/** Returns one of the `size` bytes of a scalar value. */
export function utf8Byte(point: number, size: number, index: number): number {
  if (size === 1) return point;
  const bits = point >>> (6 * (size - 1 - index));
  return index === 0 ? bits | ((0xf00 >>> size) & 0xff) : (bits & 0x3f) | 0x80;
}

/** Returns the bytes of `TextEncoder`, also on platforms without it. */
export function utf8(text: string): Uint8Array {
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const point = scalarValueAt(text, at);
    if (point > 0xffff) at++;
    const size = utf8Size(point);
    for (let index = 0; index < size; index++) bytes.push(utf8Byte(point, size, index));
  }
  return Uint8Array.from(bytes);
}
