import { PARTITION_COUNT } from '@kvs/protocol';

/** A node as far as its share depends on it. */
export interface Sharer {
  /** Nodes of one zone have equal text here. */
  readonly zone: string;
  readonly weight: number;
}

/** How many partitions a node should have, with the bounds that trigger moves. */
export interface Bounds {
  /** The exact share, rarely an integer. */
  readonly fair: number;
  readonly lower: number;
  readonly upper: number;
}

/**
 * Returns the bounds of a share. Like those of the hash ring, they leave 5% of room, so that the ring's assignment needs no
 * move and a node that joins or leaves causes few.
 */
export function boundsOf(fair: number): Bounds {
  const slack = Math.floor(fair * SLACK);
  return { fair, lower: Math.floor(fair) - slack, upper: Math.ceil(fair) + slack };
}

/**
 * Returns how many copies each node should have. Each partition uses every zone once before it uses one twice. Within that,
 * shares follow the weights, and no node has two copies of a partition. O(copies · nodes).
 */
export function fairCopies(sharers: readonly Sharer[], copies: number): number[] {
  const zones = [...new Set(sharers.map(({ zone }) => zone))].map((name) => {
    const members = sharers.filter(({ zone }) => zone === name);
    const weight = members.reduce((sum, member) => sum + member.weight, 0);
    return { members, weight, share: 0 };
  });
  let left = Math.min(copies, sharers.length);
  for (let round = 1; left > 0; round++) {
    const open = zones.filter(({ members }) => members.length >= round);
    const amounts = pour(
      left,
      open.map(({ weight }) => weight),
    );
    open.forEach((zone, i) => (zone.share += amounts[i] ?? 0));
    left -= Math.min(left, open.length);
  }
  const shares = new Map<Sharer, number>();
  for (const { members, share } of zones) {
    const amounts = pour(
      share,
      members.map(({ weight }) => weight),
    );
    members.forEach((member, i) => shares.set(member, (amounts[i] ?? 0) * PARTITION_COUNT));
  }
  return sharers.map((sharer) => shares.get(sharer) ?? 0);
}

/** Returns how many partitions each node should be primary of: in proportion to the weights. */
export function fairPrimaries(sharers: readonly Sharer[]): number[] {
  return pour(
    1,
    sharers.map(({ weight }) => weight),
  ).map((share) => share * PARTITION_COUNT);
}

/** Divides an amount in proportion to the weights, with no part above 1. The excess goes to the others. */
function pour(amount: number, weights: readonly number[]): number[] {
  const parts = weights.map(() => 0);
  let open = weights.map((_, i) => i);
  let left = Math.min(amount, weights.length);
  while (open.length > 0 && left > 0) {
    const total = open.reduce((sum, i) => sum + (weights[i] ?? 0), 0);
    const perWeight = left / total;
    const full = open.filter((i) => (weights[i] ?? 0) * perWeight >= 1);
    if (full.length === 0) {
      for (const i of open) parts[i] = (weights[i] ?? 0) * perWeight;
      break;
    }
    for (const i of full) parts[i] = 1;
    left -= full.length;
    open = open.filter((i) => !full.includes(i));
  }
  return parts;
}

const SLACK = 0.05;
