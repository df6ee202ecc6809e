/** Returns whether the first list of numbers is less than the second one: by the first numbers that differ. */
export function precedes(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((value, i) => value !== b[i]);
  return at >= 0 && (a[at] ?? 0) < (b[at] ?? 0);
}

/** Returns the item with the least rank, the first one if several have it; undefined if there is no item. */
export function leastBy<T>(items: readonly T[], rankOf: (item: T) => readonly number[]): T | undefined {
  let least: { readonly item: T; readonly rank: readonly number[] } | undefined;
  for (const item of items) {
    const rank = rankOf(item);
    if (least === undefined || precedes(rank, least.rank)) least = { item, rank };
  }
  return least?.item;
}
