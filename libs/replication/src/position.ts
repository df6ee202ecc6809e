/**
 * Says which effects of a partition a copy has: all up to this one. Numbers grow by one with each effect. Two effects with one
 * number differ if they arose in different epochs, so positions are the same only if both parts are.
 */
export interface Position {
  /** The epoch in which the effect arose; 0 before the first effect. */
  readonly epoch: number;
  /** The number of the effect, from 1; 0 before the first effect. */
  readonly number: number;
}

/** The position of a copy without effects. */
export const START: Position = Object.freeze({ epoch: 0, number: 0 });

export function isSame(a: Position, b: Position): boolean {
  return a.number === b.number && a.epoch === b.epoch;
}
