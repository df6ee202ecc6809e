import type { ItemFailure } from '@kvs/protocol';

/** The items of a batch that one node answers for, and where in the batch they stand. */
interface Share<T> {
  readonly items: T[];
  readonly positions: number[];
}

/**
 * Splits a batch by node, asks all nodes at once, and puts the outcomes back in the order of the batch. The order of
 * the items within a node's share is kept. O(items).
 *
 * @param ask must answer with one outcome for each item
 */
export function scatter<T, O, N>(
  items: readonly T[],
  nodeOf: (item: T) => N,
  ask: (node: N, share: readonly T[]) => Promise<readonly (O | ItemFailure)[]>,
): Promise<readonly (O | ItemFailure)[]> {
  const [first] = items;
  if (first === undefined) return Promise.resolve([]);
  const node = nodeOf(first);
  for (let i = 1; i < items.length; i++) {
    const item = items[i];
    if (item !== undefined && nodeOf(item) !== node) return scatterOverMany(items, nodeOf, ask);
  }
  // One node has all: most batches are of one key. Nothing is to be split or merged.
  return ask(node, items).then((outcomes) => whole(outcomes, items.length));
}

async function scatterOverMany<T, O, N>(
  items: readonly T[],
  nodeOf: (item: T) => N,
  ask: (node: N, share: readonly T[]) => Promise<readonly (O | ItemFailure)[]>,
): Promise<readonly (O | ItemFailure)[]> {
  const shares = new Map<N, Share<T>>();
  items.forEach((item, position) => {
    const node = nodeOf(item);
    let share = shares.get(node);
    if (share === undefined) shares.set(node, (share = { items: [], positions: [] }));
    share.items.push(item);
    share.positions.push(position);
  });
  const merged = new Array<O | ItemFailure>(items.length);
  await Promise.all(
    Array.from(shares, async ([node, share]) => {
      const outcomes = whole(await ask(node, share.items), share.items.length);
      outcomes.forEach((outcome, i) => {
        const position = share.positions[i];
        if (position !== undefined) merged[position] = outcome;
      });
    }),
  );
  return merged;
}

function whole<O>(outcomes: readonly O[], count: number): readonly O[] {
  if (outcomes.length === count) return outcomes;
  throw new TypeError(`a node gave ${outcomes.length} outcomes for ${count} items`);
}
