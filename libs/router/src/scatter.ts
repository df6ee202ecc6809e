import type { ItemFailure, MaybePromise } from '@kvs/protocol';

/** Asks one node for its share, and gives one outcome for each item. */
export type AskNode<N, T, O> = (
  node: N,
  share: readonly T[],
  partitions: readonly number[],
) => Promise<Outcomes<O>>;

/** Gives the outcomes of a share whose node failed. */
export type OnFailure<N, T, O> = (
  node: N,
  share: readonly T[],
  partitions: readonly number[],
  error: unknown,
) => MaybePromise<Outcomes<O>>;

export type Outcomes<O> = readonly (O | ItemFailure)[];

/**
 * Splits a batch by node, asks all nodes at once, and puts the outcomes back in the order of the batch. The order of
 * the items within a node's share is kept. O(items).
 *
 * @param partitions of the items, in their order
 */
export function scatter<T, O, N>(
  items: readonly T[],
  partitions: readonly number[],
  nodeOf: (partition: number) => N,
  ask: AskNode<N, T, O>,
  failed: OnFailure<N, T, O>,
): Promise<Outcomes<O>> {
  const [first] = partitions;
  if (first === undefined) return Promise.resolve([]);
  const node = nodeOf(first);
  for (const partition of partitions)
    if (nodeOf(partition) !== node) return scatterOverMany(items, partitions, nodeOf, ask, failed);
  // Most batches have one key, and then one node has all items. So nothing is split or merged.
  return askNode(node, items, partitions, ask, failed);
}

/** Asks a node, and gives the outcomes also if it fails. */
export function askNode<T, O, N>(
  node: N,
  share: readonly T[],
  partitions: readonly number[],
  ask: AskNode<N, T, O>,
  failed: OnFailure<N, T, O>,
): Promise<Outcomes<O>> {
  return ask(node, share, partitions).catch((error: unknown) => failed(node, share, partitions, error));
}

/** The items of a batch that one node owns, with their partitions and their positions in the batch. */
interface Share<T> {
  readonly items: T[];
  readonly partitions: number[];
  readonly positions: number[];
}

async function scatterOverMany<T, O, N>(
  items: readonly T[],
  partitions: readonly number[],
  nodeOf: (partition: number) => N,
  ask: AskNode<N, T, O>,
  failed: OnFailure<N, T, O>,
): Promise<Outcomes<O>> {
  const shares = new Map<N, Share<T>>();
  items.forEach((item, position) => {
    const partition = partitions[position] ?? 0;
    const node = nodeOf(partition);
    let share = shares.get(node);
    if (share === undefined) shares.set(node, (share = { items: [], partitions: [], positions: [] }));
    share.items.push(item);
    share.partitions.push(partition);
    share.positions.push(position);
  });
  const merged = new Array<O | ItemFailure>(items.length);
  await Promise.all(
    Array.from(shares, async ([node, share]) => {
      const outcomes = await askNode(node, share.items, share.partitions, ask, failed);
      outcomes.forEach((outcome, i) => {
        const position = share.positions[i];
        if (position !== undefined) merged[position] = outcome;
      });
    }),
  );
  return merged;
}
