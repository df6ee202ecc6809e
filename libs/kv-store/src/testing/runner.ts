/** The two functions that the suite needs of a test runner, as Jest, Vitest, Mocha and node:test have them. */
export interface TestRunner {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: (name: string, body: () => Promise<void>) => unknown;
}

/** The runner whose `describe` and `it` are global. */
export function globalRunner(): TestRunner {
  const describe: unknown = Reflect.get(globalThis, 'describe');
  const it: unknown = Reflect.get(globalThis, 'it');
  if (isFunction(describe) && isFunction(it)) return { describe, it };
  throw new TypeError('this test runner has no global describe and it: pass { describe, it }');
}

function isFunction(value: unknown): value is (...args: unknown[]) => unknown {
  return typeof value === 'function';
}
