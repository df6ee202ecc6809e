import { MICROS_PER_MS, type Clock } from '../clock.js';

/** A clock that only moves when a test moves it, in either direction. */
export class ManualClock implements Clock {
  #micros: number;

  constructor(startMicros = 1_700_000_000_000_000) {
    this.#micros = startMicros;
  }

  nowMicros(): number {
    return this.#micros;
  }

  /** Returns the clock's whole millisecond. */
  nowMs(): number {
    return Math.floor(this.#micros / MICROS_PER_MS);
  }

  setMicros(micros: number): void {
    this.#micros = micros;
  }

  advanceMicros(micros: number): void {
    this.#micros += micros;
  }

  advanceMs(ms: number): void {
    this.advanceMicros(ms * MICROS_PER_MS);
  }
}
