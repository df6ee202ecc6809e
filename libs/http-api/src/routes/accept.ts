import Negotiator from 'negotiator';

/**
 * Returns the media type on offer that an `Accept` header prefers, or undefined if it accepts none (RFC 9110, section
 * 12.5.1). Without a header, returns the first offer. Parameters other than `q` are ignored. O(length).
 */
export function preferredType<T extends string>(
  header: string | undefined,
  offers: readonly T[],
): T | undefined {
  const accept = header?.replace(OTHER_PARAMETERS, '').replace(LONE_STAR, '*/*') || '*/*';
  const preferred = new Negotiator({ headers: { accept } }).mediaType(offers);
  return offers.find((offer) => offer === preferred);
}

/** With them, a range would match only offers that have the same parameters. */
const OTHER_PARAMETERS = /;(?!\s*q\s*=)[^,;]*/gi;
// No range of the RFC, but some clients send it for any type.
const LONE_STAR = /(?<![^\s,])\*(?![^\s,;])/g;
