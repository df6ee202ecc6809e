import { PARTITION_COUNT } from './partition.js';

/** How many partitions one node should have, with the bounds. */
export interface Share {
  /** The exact share by weight, rarely an integer. */
  readonly fair: number;
  readonly lower: number;
  readonly upper: number;
  /**
   * How many partitions a new node takes at most: the rounded share, so that the last partition is not one too many.
   */
  readonly intake: number;
}

/** Returns the shares of nodes with these weights. The fair shares add up to all partitions. */
export function sharesOf(weights: readonly number[]): Share[] {
  const total = weights.reduce((sum, weight) => sum + weight);
  return weights.map((weight) => {
    const fair = (PARTITION_COUNT * weight) / total;
    const slack = slackOf(fair);
    return {
      fair,
      lower: Math.floor(fair) - slack,
      upper: Math.ceil(fair) + slack,
      intake: Math.round(fair) + slack,
    };
  });
}

/**
 * By how many partitions a load may differ from its fair share, besides rounding: 5% less two partitions. So with
 * rounding and the chance of a million keys, the loads of 10 or of 100 nodes stay within 5%. With large shares,
 * almost every partition has its first choice. Below 60 partitions, this is 0.
 */
function slackOf(fair: number): number {
  return Math.max(0, Math.floor(fair * 0.05) - 2);
}
