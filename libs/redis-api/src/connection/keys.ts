import type { Command } from '../command.js';

/** Returns the keys among the arguments of a command. O(number of keys). */
export function keysOf({ keys }: Command, args: readonly Buffer[]): readonly Buffer[] {
  if (keys === undefined) return NO_KEYS;
  const last = keys.last < 0 ? args.length + keys.last : keys.last - 1;
  if (keys.step === 1 && keys.first === 1) return last === args.length - 1 ? args : args.slice(0, last + 1);
  const found: Buffer[] = [];
  for (let at = keys.first - 1; at <= last; at += keys.step) {
    const key = args[at];
    if (key !== undefined) found.push(key);
  }
  return found;
}

const NO_KEYS: readonly Buffer[] = [];
