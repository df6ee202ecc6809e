/** A decimal fraction: `digits` divided by 10 to the power of `places`. */
export interface Decimal {
  readonly digits: bigint;
  /** At least 0. */
  readonly places: number;
}

/**
 * Returns the number that a text such as `-1.5e3` means; undefined if it means none, or one that is too large or too close to 0 for
 * the numbers of Redis.
 */
export function parseDecimal(text: string): Decimal | undefined {
  const match = text.length > MAX_TEXT ? null : DECIMAL.exec(text);
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  if (whole + fraction === '') return undefined;
  const digits = BigInt(`${whole}${fraction}`) * (sign === '-' ? -1n : 1n);
  if (digits === 0n) return { digits, places: 0 };
  const power = Number(exponent) - fraction.length;
  if (Math.abs(power) > MAX_POWER) return undefined;
  const decimal =
    power > 0 ? { digits: digits * 10n ** BigInt(power), places: 0 } : { digits, places: -power };
  return isTooLarge(decimal) || isTooSmall(decimal) ? undefined : decimal;
}

/** Returns whether Redis would take the number for infinite. */
export function isTooLarge({ digits, places }: Decimal): boolean {
  return absolute(digits) >= BEYOND_LARGEST * 10n ** BigInt(places);
}

/** Returns whether Redis would take the number for 0. */
function isTooSmall({ digits, places }: Decimal): boolean {
  return absolute(digits) * BEYOND_SMALLEST <= 10n ** BigInt(places);
}

export function addDecimals(one: Decimal, other: Decimal): Decimal {
  const places = Math.max(one.places, other.places);
  const scaled = ({ digits, places: from }: Decimal): bigint => digits * 10n ** BigInt(places - from);
  return { digits: scaled(one) + scaled(other), places };
}

/** Returns the number rounded to 17 places, halves to the even digit, without zeros at its end. */
export function writeDecimal({ digits, places }: Decimal): string {
  const size = absolute(digits);
  const rounded =
    places <= MAX_PLACES
      ? size * 10n ** BigInt(MAX_PLACES - places)
      : divideRounded(size, 10n ** BigInt(places - MAX_PLACES));
  const text = String(rounded).padStart(MAX_PLACES + 1, '0');
  const fraction = text.slice(-MAX_PLACES).replace(/0+$/, '');
  const sign = digits < 0n && rounded > 0n ? '-' : '';
  return `${sign}${text.slice(0, -MAX_PLACES)}${fraction && `.${fraction}`}`;
}

function absolute(digits: bigint): bigint {
  return digits < 0n ? -digits : digits;
}

function divideRounded(size: bigint, divisor: bigint): bigint {
  const quotient = size / divisor;
  const twice = 2n * (size % divisor);
  return twice > divisor || (twice === divisor && quotient % 2n === 1n) ? quotient + 1n : quotient;
}

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/i;
/** As in Redis. */
const MAX_TEXT = 5 * 1024 - 1;
/** A text has fewer digits, so no number with a larger power is within the limits. */
const MAX_POWER = 2 * MAX_TEXT;
/** Redis computes with floating point numbers of 80 bits: magnitudes from 2^-16445 to below 2^16384. */
const BEYOND_LARGEST = 2n ** 16_384n;
const BEYOND_SMALLEST = 2n ** 16_446n;
const MAX_PLACES = 17;
