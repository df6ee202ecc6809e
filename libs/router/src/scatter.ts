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
export async function scatter<T, O>(
  items: readonly T[],
  nodeOf: (item: T) => string,
  ask: (node: string, share: readonly T[]) => Promise<readonly (O | ItemFailure)[]>,
): Promise<(O | ItemFailure)[]> {
  const shares = new Map<string, Share<T>>();
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
      const outcomes = await ask(node, share.items);
      if (outcomes.length !== share.items.length) {
        throw new TypeError(`${node} gave ${outcomes.length} outcomes for ${share.items.length} items`);
      }
      outcomes.forEach((outcome, i) => {
        const position = share.positions[i];
        if (position !== undefined) merged[position] = outcome;
      });
    }),
  );
  return merged;
}
