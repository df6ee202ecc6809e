/** The value that as many are below as above. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** How far the middle half of the values spreads, relative to their median. */
export function spread(values: readonly number[]): number {
  const [low, high] = middleHalf(values);
  return (high - low) / median(values);
}

/** Between which two values the middle half of them is. */
export function middleHalf(values: readonly number[]): readonly [low: number, high: number] {
  return [quantile(values, 0.25), quantile(values, 0.75)];
}

/** Of each round the first's value over the second's: what slows a round slows both. */
export function ratios(numerators: readonly number[], denominators: readonly number[]): number[] {
  return numerators.map((value, round) => value / (denominators[round] ?? NaN));
}

/** The median of the {@link ratios}. */
export function medianRatio(numerators: readonly number[], denominators: readonly number[]): number {
  return median(ratios(numerators, denominators));
}

/** The value that such a part of the values is below. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * part;
  const below = sorted[Math.floor(at)] ?? NaN;
  const above = sorted[Math.ceil(at)] ?? NaN;
  return below + (above - below) * (at - Math.floor(at));
}
