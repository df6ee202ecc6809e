import type { Position } from '@kvs/kv-store';

export { START_POSITION, type Position } from '@kvs/kv-store';

/** Returns whether two positions are of one effect. Numbers alone may agree after a failover. */
export function isSame(a: Position, b: Position): boolean {
  return a.number === b.number && a.epoch === b.epoch;
}
