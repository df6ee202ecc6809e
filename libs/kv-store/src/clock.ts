/** A source of time. Everything in this package that needs the time gets a clock. */
export interface Clock {
  /**
   * Returns microseconds since the Unix epoch, a positive safe integer. It may stand still and may go back, as system
   * clocks do. Versions grow all the same.
   */
  nowMicros(): number;
}

/** The system's clock. Its resolution is a millisecond, and versions fill in the rest. */
export const systemClock: Clock = Object.freeze({ nowMicros: () => Date.now() * MICROS_PER_MS });

/** Returns the clock's whole millisecond, the unit in which pairs expire. */
export function microsToMs(micros: number): number {
  return Math.floor(micros / MICROS_PER_MS);
}

export const MICROS_PER_MS = 1000;
