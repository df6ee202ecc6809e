import { Ledger, NOBODY, partitionsIn, type Table } from './ledger.js';
import { PARTITION_COUNT } from './partition.js';
import type { Preference } from './preference.js';

/*
 * Consistent hashing with bounded loads (Mirrokni, Thorup, Zadimoghaddam, "Consistent Hashing with Bounded
 * Loads", 2016), over partitions rather than keys, and with first choices by rendezvous rather than by a
 * circle. Every partition goes to the node that wants it most, as long as that node's load stays within its
 * bounds; only the partitions that break a bound look further.
 */

/** The table of a set of nodes, from nothing: a pure function of the set. O(nodes · partitions). */
export function place(nodes: readonly Preference[]): Table {
  const ledger = new Ledger(nodes, firstChoices(nodes));
  ledger.settle(ledger.releaseWorst(surplusOf(ledger)));
  return ledger.table;
}

/**
 * The table after `taker`, new or heavier than it was, has taken its share: partitions go to `taker` and
 * nowhere else, first those that want it most. O(nodes + partitions · log partitions).
 */
export function take(nodes: readonly Preference[], before: Table, taker: number): Table {
  const ledger = new Ledger(nodes, before.slice());
  const candidates = candidatesFor(nodes, before, taker);
  const gifts = nodes.map(() => 0);
  for (const { owner, reluctance } of candidates) if (reluctance < 1) gifts[owner] = (gifts[owner] ?? 0) + 1;
  limitGifts(gifts, ledger, taker);
  for (const { partition, owner } of candidates) {
    const gift = gifts[owner] ?? 0;
    if (gift === 0) continue;
    gifts[owner] = gift - 1;
    ledger.table[partition] = taker;
  }
  return ledger.table;
}

/**
 * The table after `giver`, lighter than it was, has given up what is too much: only its partitions move.
 * O(nodes · partitions it holds).
 */
export function give(nodes: readonly Preference[], before: Table, giver: number): Table {
  const ledger = new Ledger(nodes, before.slice());
  const share = ledger.shares[giver];
  const self = nodes[giver];
  if (share === undefined || self === undefined) return ledger.table;
  const others = nodes.map((_, node) => (node === giver ? 0 : Infinity));
  const candidates = partitionsIn(before, giver).map((partition) => {
    const rival = ledger.firstChoice(partition, others);
    return { partition, reluctance: self.reluctance(partition, nodes[rival]) };
  });
  candidates.sort((a, b) => a.reluctance - b.reluctance || a.partition - b.partition);
  const wanted = candidates.filter((candidate) => candidate.reluctance < 1).length;
  const kept = clamp(candidates.length - wanted, share.lower, share.upper);
  const released = candidates
    .slice(0, Math.max(0, candidates.length - kept))
    .map(({ partition }) => partition);
  ledger.release(released);
  ledger.settle(released, giver);
  return ledger.table;
}

/** The table after what {@link NOBODY} owns has found owners: nothing else moves. O(nodes · orphans). */
export function adopt(nodes: readonly Preference[], before: Table): Table {
  const ledger = new Ledger(nodes, before.slice());
  ledger.settle(partitionsIn(before, NOBODY));
  return ledger.table;
}

function firstChoices(nodes: readonly Preference[]): Table {
  const table = new Uint16Array(PARTITION_COUNT);
  const lowest = new Float64Array(PARTITION_COUNT).fill(Infinity);
  nodes.forEach((node, index) => {
    node.underbid(lowest, (partition, cost) => {
      const holder = nodes[table[partition] ?? 0];
      if (!node.precedes(cost, holder, lowest[partition] ?? Infinity, partition)) return;
      lowest[partition] = cost;
      table[partition] = index;
    });
  });
  return table;
}

/** How many partitions each node must let go, so that none has too many and there are enough for those with too few. */
function surplusOf(ledger: Ledger): number[] {
  const surplus = ledger.shares.map(({ upper }, node) => Math.max(0, ledger.load(node) - upper));
  const missing = ledger.missing();
  for (let released = sum(surplus); released < missing; released++) {
    const fullest = argMax(
      ledger.shares,
      ({ lower }, node) => ledger.load(node) - (surplus[node] ?? 0) - lower,
    );
    surplus[fullest] = (surplus[fullest] ?? 0) + 1;
  }
  return surplus;
}

interface Candidate {
  readonly partition: number;
  readonly owner: number;
  /** What the partition loses by going to the taker: below 1 it gains. */
  readonly reluctance: number;
}

function candidatesFor(nodes: readonly Preference[], table: Table, taker: number): Candidate[] {
  const to = nodes[taker];
  const candidates: Candidate[] = [];
  table.forEach((owner, partition) => {
    const from = nodes[owner];
    if (owner === taker || from === undefined) return;
    candidates.push({ partition, owner, reluctance: from.reluctance(partition, to) });
  });
  return candidates.sort((a, b) => a.reluctance - b.reluctance || a.partition - b.partition);
}

/** Cuts down or raises what each owner gives until owners and taker are within their bounds, the taker above all. */
function limitGifts(gifts: number[], ledger: Ledger, taker: number): void {
  const remains = (owner: number) => ledger.load(owner) - (gifts[owner] ?? 0);
  let taken = ledger.load(taker);
  ledger.shares.forEach(({ lower, upper }, owner) => {
    if (owner === taker) return;
    const load = ledger.load(owner);
    gifts[owner] = clamp(gifts[owner] ?? 0, Math.max(0, load - upper), Math.max(0, load - lower));
    taken += gifts[owner] ?? 0;
  });
  const { lower, intake } = ledger.shares[taker] ?? { lower: 0, intake: 0 };
  for (; taken > intake; taken--) {
    const poorest = argMax(ledger.shares, (share, owner) =>
      (gifts[owner] ?? 0) > 0 && owner !== taker ? share.fair - remains(owner) : -Infinity,
    );
    gifts[poorest] = (gifts[poorest] ?? 0) - 1;
  }
  for (; taken < lower; taken++) {
    const richest = argMax(ledger.shares, (share, owner) =>
      owner === taker || remains(owner) === 0 ? -Infinity : remains(owner) - share.fair,
    );
    gifts[richest] = (gifts[richest] ?? 0) + 1;
  }
}

function argMax<T>(values: readonly T[], measure: (value: T, index: number) => number): number {
  let best = 0;
  let most = -Infinity;
  values.forEach((value, index) => {
    const measured = measure(value, index);
    if (measured <= most) return;
    best = index;
    most = measured;
  });
  return best;
}

function clamp(value: number, lower: number, upper: number): number {
  return Math.min(Math.max(value, lower), upper);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
