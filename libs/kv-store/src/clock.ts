/** Where time comes from. Everything in this package that needs the time is given a clock. */
export interface Clock {
  /**
   * Microseconds since the Unix epoch, a positive safe integer. May stand still and may be set back, as
   * system clocks are: versions grow all the same.
   */
  nowMicros(): number;
}

/** The one place that reads the system's time. Its resolution is a millisecond; versions fill in the rest. */
export const systemClock: Clock = Object.freeze({ nowMicros: () => Date.now() * MICROS_PER_MS });

/** The clock's whole millisecond, the unit in which pairs expire. */
export function microsToMs(micros: number): number {
  return Math.floor(micros / MICROS_PER_MS);
}

export const MICROS_PER_MS = 1000;
