/**
 * Returns the media type on offer that an `Accept` header prefers, or undefined if it accepts none (RFC 9110, section
 * 12.5.1). Equal weights are decided by the more exact range, then by the order in the header, then by the order of the
 * offers. Without a header, returns the first offer. Parameters other than `q` are ignored. O(length).
 */
export function preferredType<T extends string>(
  header: string | undefined,
  offers: readonly T[],
): T | undefined {
  if (header === undefined || header.trim() === '') return offers[0];
  const ranges = header.split(',').map(parseRange);
  let best: { readonly offer: T; readonly match: Match } | undefined;
  for (const offer of offers) {
    const match = mostExact(ranges, offer);
    if (match === undefined || match.weight === 0) continue;
    if (best === undefined || isPreferred(match, best.match)) best = { offer, match };
  }
  return best?.offer;
}

interface MediaRange {
  readonly type: string;
  readonly weight: number;
}

/** The range that decides on an offer. */
interface Match {
  readonly weight: number;
  readonly exactness: number;
  readonly position: number;
}

function parseRange(text: string): MediaRange {
  const type = text.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const weight = Number(/;\s*q\s*=\s*([\d.]+)/i.exec(text)?.[1] ?? 1);
  return { type, weight: Number.isNaN(weight) ? 1 : weight };
}

function mostExact(ranges: readonly MediaRange[], offer: string): Match | undefined {
  let best: Match | undefined;
  ranges.forEach(({ type, weight }, position) => {
    const exactness = exactnessOf(type, offer);
    if (exactness > (best?.exactness ?? 0)) best = { weight, exactness, position };
  });
  return best;
}

function exactnessOf(range: string, offer: string): number {
  if (range === offer) return 3;
  if (range === '*/*' || range === '*') return 1;
  return range.endsWith('/*') && offer.startsWith(range.slice(0, -1)) ? 2 : 0;
}

function isPreferred(match: Match, other: Match): boolean {
  if (match.weight !== other.weight) return match.weight > other.weight;
  if (match.exactness !== other.exactness) return match.exactness > other.exactness;
  return match.position < other.position;
}
