import type { ItemFailure, MaybePromise } from '@kvs/protocol';

/** Asks one node for its share, and gives one outcome for each item. */
export type AskNode<N, T, O> = (node: N, share: readonly T[]) => Promise<Outcomes<O>>;

/** Gives the outcomes of a share whose node failed. */
export type OnFailure<N, T, O> = (node: N, share: readonly T[], error: unknown) => MaybePromise<Outcomes<O>>;

export type Outcomes<O> = readonly (O | ItemFailure)[];

/**
 * Splits a batch by node, asks all nodes at once, and puts the outcomes back in the order of the batch. The order of
 * the items within a node's share is kept. O(items).
 */
export function scatter<T, O, N>(
  items: readonly T[],
  nodeOf: (item: T) => N,
  ask: AskNode<N, T, O>,
  failed: OnFailure<N, T, O> = rethrow,
): Promise<Outcomes<O>> {
  const [first] = items;
  if (first === undefined) return Promise.resolve([]);
  const node = nodeOf(first);
  for (let i = 1; i < items.length; i++) {
    const item = items[i];
    if (item !== undefined && nodeOf(item) !== node) return scatterOverMany(items, nodeOf, ask, failed);
  }
  // Most batches have one key, and then one node has all items. So nothing is split or merged.
  return askNode(node, items, ask, failed);
}

/** Asks a node, and checks that there is an outcome for each item. */
export function askNode<T, O, N>(
  node: N,
  share: readonly T[],
  ask: AskNode<N, T, O>,
  failed: OnFailure<N, T, O>,
): Promise<Outcomes<O>> {
  return ask(node, share).then(
    (outcomes) => withCount(outcomes, share.length),
    (error: unknown) => failed(node, share, error),
  );
}

/** The items of a batch that one node owns, and their positions in the batch. */
interface Share<T> {
  readonly items: T[];
  readonly positions: number[];
}

async function scatterOverMany<T, O, N>(
  items: readonly T[],
  nodeOf: (item: T) => N,
  ask: AskNode<N, T, O>,
  failed: OnFailure<N, T, O>,
): Promise<Outcomes<O>> {
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
      const outcomes = await askNode(node, share.items, ask, failed);
      outcomes.forEach((outcome, i) => {
        const position = share.positions[i];
        if (position !== undefined) merged[position] = outcome;
      });
    }),
  );
  return merged;
}

function withCount<O>(outcomes: readonly O[], count: number): readonly O[] {
  if (outcomes.length === count) return outcomes;
  throw new TypeError(`a node gave ${outcomes.length} outcomes for ${count} items`);
}

function rethrow(_node: unknown, _share: unknown, error: unknown): never {
  throw error;
}
