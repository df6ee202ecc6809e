/** An integer of 64 bits: a number as far as numbers are exact, and a bigint beyond. */
export type Integer = number | bigint;

/** Returns the integer that a decimal text is in its shortest form; undefined if it is none of 64 bits. */
export function parseInteger(text: string): Integer | undefined {
  if (!SHORTEST.test(text)) return undefined;
  return text.length <= SAFE_DIGITS ? Number(text) : narrow(BigInt(text));
}

/** Returns the sum, or undefined if it does not fit 64 bits. */
export function addIntegers(one: Integer, other: Integer): Integer | undefined {
  if (typeof one === 'number' && typeof other === 'number') {
    const sum = one + other;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return narrow(BigInt(one) + BigInt(other));
}

function narrow(integer: bigint): Integer | undefined {
  if (integer < MIN || integer > MAX) return undefined;
  const number = Number(integer);
  return Number.isSafeInteger(number) ? number : integer;
}

const SHORTEST = /^(?:0|-?[1-9]\d{0,18})$/;
/** Texts of this length are exact as numbers. */
const SAFE_DIGITS = 15;
const MIN = -(2n ** 63n);
const MAX = 2n ** 63n - 1n;
