import type { Position } from '@kvs/kv-store';

export type { Position };

/** The position of a copy without effects. */
export const START: Position = Object.freeze({ epoch: 0, number: 0 });

/** Returns whether two positions are of one effect. Numbers alone may agree after a failover. */
export function isSame(a: Position, b: Position): boolean {
  return a.number === b.number && a.epoch === b.epoch;
}
