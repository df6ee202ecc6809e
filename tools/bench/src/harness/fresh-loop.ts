/** Looks up `count` keys from an index on, starts over at the end, and returns how many were found. */
export type LookupLoop = (
  lookup: (key: string) => unknown,
  keys: readonly string[],
  from: number,
  count: number,
) => number;

/**
 * Returns a loop that no other contestant shares. In a shared loop the compiler sees the lookups of all contestants and
 * inlines none; a program has only one. The number of keys must be a power of two.
 *
 * The source contains the name, because V8 gives functions of the same source the same feedback.
 */
export function freshLoop(name: string): LookupLoop {
  const loop = new Function(
    'lookup',
    'keys',
    'from',
    'count',
    `// ${JSON.stringify(name)}
    const mask = keys.length - 1;
    let found = 0;
    for (let at = from; at < from + count; at++) {
      if (lookup(keys[at & mask]) !== undefined) found++;
    }
    return found;`,
  );
  return (lookup, keys, from, count) => Number(loop(lookup, keys, from, count));
}
