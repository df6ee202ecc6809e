import { Assignment, NO_NODE, partitionsIn, type Table } from './assignment.js';
import { PARTITION_COUNT } from './partition.js';
import type { Preference } from './preference.js';
import type { Share } from './shares.js';

/*
 * Consistent hashing with bounded loads (Mirrokni, Thorup, Zadimoghaddam, "Consistent Hashing with Bounded Loads",
 * 2016), for partitions rather than keys, and with first choices by rendezvous rather than by a circle. Every
 * partition goes to the node that wants it most, if that node's load stays within its bounds. Only partitions that
 * break a bound go elsewhere.
 */

/** Returns the table of a set of nodes: a pure function of the set. O(nodes · partitions). */
export function assignAll(nodes: readonly Preference[]): Table {
  const assignment = new Assignment(nodes, firstChoices(nodes));
  assignment.settle(assignment.releaseWorst(surplusOf(assignment)));
  return assignment.table;
}

/**
 * Returns the table after `receiver`, a new or heavier node, has received its share. Partitions move to `receiver`
 * and nowhere else. O(nodes + partitions · log partitions).
 */
export function moveTo(nodes: readonly Preference[], before: Table, receiver: number): Table {
  const assignment = new Assignment(nodes, before.slice());
  const { lower, intake } = assignment.share(receiver);
  const candidates = candidatesFor(nodes, before, receiver);
  const takeWhere = (
    limit: number,
    agreed: (candidate: Candidate, load: number, share: Share) => boolean,
  ) => {
    for (const candidate of candidates) {
      const { partition, owner } = candidate;
      if (assignment.load(receiver) >= limit) return;
      if (
        assignment.table[partition] === receiver ||
        !agreed(candidate, assignment.load(owner), assignment.share(owner))
      )
        continue;
      assignment.move(partition, receiver);
    }
  };
  // First from nodes with too many partitions, then any that prefer the receiver, and then from nodes above their
  // lower bounds.
  takeWhere(intake, (_, load, { upper }) => load > upper);
  takeWhere(intake, ({ reluctance }, load, share) => reluctance < 1 && load > share.lower);
  takeWhere(lower, (_, load, { fair }) => load > fair);
  return assignment.table;
}

/**
 * Returns the table after `giver`, now lighter than it was, has given up the partitions that it wants least. Nothing
 * else moves. O(nodes · partitions given).
 */
export function moveFrom(nodes: readonly Preference[], before: Table, giver: number): Table {
  const assignment = new Assignment(nodes, before.slice());
  const tooMuch = assignment.load(giver) - Math.round(assignment.share(giver).fair);
  const surplus = nodes.map((_, node) => (node === giver ? tooMuch : 0));
  assignment.settle(assignment.releaseWorst(surplus), giver);
  return assignment.table;
}

/**
 * Returns the table after each partition without an owner has received one. Nothing else moves. O(nodes · such
 * partitions).
 */
export function assignUnowned(nodes: readonly Preference[], before: Table): Table {
  const assignment = new Assignment(nodes, before.slice());
  assignment.settle(partitionsIn(before, NO_NODE));
  return assignment.table;
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

/**
 * Returns how many partitions each node must give up, so that none has too many and there are enough for nodes with
 * too few.
 */
function surplusOf(assignment: Assignment): number[] {
  const surplus = assignment.nodes.map((_, node) =>
    Math.max(0, assignment.load(node) - assignment.share(node).upper),
  );
  const spare = (node: number) => assignment.load(node) - (surplus[node] ?? 0) - assignment.share(node).lower;
  const released = surplus.reduce((sum, count) => sum + count);
  for (let missing = assignment.missing() - released; missing > 0; missing--) {
    const fullest = surplus.reduce((best, _, node) => (spare(node) > spare(best) ? node : best), 0);
    surplus[fullest] = (surplus[fullest] ?? 0) + 1;
  }
  return surplus;
}

interface Candidate {
  readonly partition: number;
  readonly owner: number;
  /** The partition's cost at the receiver relative to its cost now. Below 1, it prefers the receiver. */
  readonly reluctance: number;
}

function candidatesFor(nodes: readonly Preference[], table: Table, receiver: number): Candidate[] {
  const to = nodes[receiver];
  const candidates: Candidate[] = [];
  table.forEach((owner, partition) => {
    const from = nodes[owner];
    if (owner === receiver || from === undefined) return;
    candidates.push({ partition, owner, reluctance: from.reluctance(partition, to) });
  });
  return candidates.sort((a, b) => a.reluctance - b.reluctance || a.partition - b.partition);
}
