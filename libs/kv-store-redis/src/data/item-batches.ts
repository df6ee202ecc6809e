/** The items of one partition for one command, with their indexes in the batch. */
export interface ItemGroup<T> {
  readonly partition: number;
  readonly items: readonly T[];
  readonly indexes: readonly number[];
}

/**
 * Splits a batch into commands. The commands of a round are sent together, at most one for each partition, and the
 * next round follows when they are answered. So the items of a partition keep their order, whatever is sent again. A
 * command is bounded, because Redis runs nothing else meanwhile. Most batches have one round.
 */
export function inRounds<T extends { readonly partition: number }>(
  items: readonly T[],
  bytesOf: (item: T) => number,
): ItemGroup<T>[][] {
  const rounds: ItemGroup<T>[][] = [];
  const openGroups = new Map<number, OpenGroup<T>>();
  for (const [index, item] of items.entries()) {
    const bytes = bytesOf(item);
    let group = openGroups.get(item.partition);
    if (group === undefined || group.items.length >= MAX_ITEMS || group.bytes + bytes > MAX_BYTES) {
      const round = group === undefined ? 0 : group.round + 1;
      group = { partition: item.partition, items: [], indexes: [], bytes: 0, round };
      openGroups.set(item.partition, group);
      (rounds[round] ??= []).push(group);
    }
    group.items.push(item);
    group.indexes.push(index);
    group.bytes += bytes;
  }
  return rounds;
}

const MAX_ITEMS = 500;
const MAX_BYTES = 1024 * 1024;

interface OpenGroup<T> {
  readonly partition: number;
  readonly items: T[];
  readonly indexes: number[];
  readonly round: number;
  bytes: number;
}
