import { operationLine, type Operation } from './history.js';

/**
 * Checks that the versions of one key never go back: an operation shows no lower version than one that was shown before it
 * began, and a write gets a higher one. O(n log n), and it names both operations, which the search for an order can't.
 *
 * @returns undefined if they don't, and otherwise the finding
 */
export function checkVersions(operations: readonly Operation[]): string | undefined {
  const shown = operations.flatMap((operation) => {
    const { result } = operation;
    return result?.kind === 'found' || result?.kind === 'set' ? [{ operation, version: result.version }] : [];
  });
  const returns = [...shown].sort((a, b) => a.operation.returnedMs - b.operation.returnedMs);
  const calls = [...shown].sort((a, b) => a.operation.invokedMs - b.operation.invokedMs);
  let highest: (typeof shown)[number] | undefined;
  let next = 0;
  for (const call of calls) {
    for (
      let returned = returns[next];
      returned !== undefined && returned.operation.returnedMs < call.operation.invokedMs;
      returned = returns[++next]
    ) {
      if (highest === undefined || returned.version > highest.version) highest = returned;
    }
    const isWrite = call.operation.result?.kind === 'set';
    if (
      highest !== undefined &&
      (isWrite ? call.version <= highest.version : call.version < highest.version)
    ) {
      return `the version went back: ${operationLine(highest.operation)}, then ${operationLine(call.operation)}`;
    }
  }
  return undefined;
}
