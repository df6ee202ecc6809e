import { Ledger, NOBODY, partitionsIn, type Table } from './ledger.js';
import { PARTITION_COUNT } from './partition.js';
import type { Preference } from './preference.js';
import type { Share } from './shares.js';

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
 * nowhere else. O(nodes + partitions · log partitions).
 */
export function take(nodes: readonly Preference[], before: Table, taker: number): Table {
  const ledger = new Ledger(nodes, before.slice());
  const { lower, intake } = ledger.share(taker);
  const candidates = candidatesFor(nodes, before, taker);
  const takeWhere = (
    limit: number,
    agreed: (candidate: Candidate, load: number, share: Share) => boolean,
  ) => {
    for (const candidate of candidates) {
      const { partition, owner } = candidate;
      if (ledger.load(taker) >= limit) return;
      if (ledger.table[partition] === taker || !agreed(candidate, ledger.load(owner), ledger.share(owner)))
        continue;
      ledger.move(partition, taker);
    }
  };
  // From those who now have too many; then whatever wants to come; then, if that was not enough, from the better off.
  takeWhere(intake, (_, load, { upper }) => load > upper);
  takeWhere(intake, ({ reluctance }, load, share) => reluctance < 1 && load > share.lower);
  takeWhere(lower, (_, load, { fair }) => load > fair);
  return ledger.table;
}

/**
 * The table after `giver`, lighter than it was, has given up the partitions that it wants least: nothing else
 * moves. O(nodes · partitions given).
 */
export function give(nodes: readonly Preference[], before: Table, giver: number): Table {
  const ledger = new Ledger(nodes, before.slice());
  const tooMuch = ledger.load(giver) - Math.round(ledger.share(giver).fair);
  const surplus = nodes.map((_, node) => (node === giver ? tooMuch : 0));
  ledger.settle(ledger.releaseWorst(surplus), giver);
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
  const surplus = ledger.nodes.map((_, node) => Math.max(0, ledger.load(node) - ledger.share(node).upper));
  const spare = (node: number) => ledger.load(node) - (surplus[node] ?? 0) - ledger.share(node).lower;
  const released = surplus.reduce((sum, count) => sum + count);
  for (let missing = ledger.missing() - released; missing > 0; missing--) {
    const fullest = surplus.reduce((best, _, node) => (spare(node) > spare(best) ? node : best), 0);
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
