/** Looks `count` keys up, from a place on, around and around; returns how many were found. */
export type LookupLoop = (
  lookup: (key: string) => unknown,
  keys: readonly string[],
  from: number,
  count: number,
) => number;

/**
 * A loop that no other contestant shares. In a shared one the compiler sees as many lookups as there are contestants,
 * and inlines none; in a program there is one. The number of keys must be a power of two.
 *
 * The name goes into the source, for V8 gives functions of the same source the same feedback.
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
