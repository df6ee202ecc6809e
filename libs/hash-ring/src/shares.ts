import { PARTITION_COUNT } from './partition.js';

/** How many partitions one node should hold, and between what bounds. */
export interface Share {
  /** The exact share by weight, hardly ever a whole number. */
  readonly fair: number;
  readonly lower: number;
  readonly upper: number;
  /** What the node takes at most when it comes: the rounded share, lest the last partition be one too many. */
  readonly intake: number;
}

/** The shares of nodes of these weights; the fair ones add up to all partitions. */
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
 * By how many partitions a load may miss its fair share, besides rounding: 5% less two partitions, so that
 * with rounding and the luck of a million keys the loads of 10 or of 100 nodes stay within 5%. Where shares
 * are large this leaves nearly every partition with its first choice; below 60 partitions it is nothing.
 */
function slackOf(fair: number): number {
  return Math.max(0, Math.floor(fair * 0.05) - 2);
}
