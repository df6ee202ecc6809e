import type { CancelTask, Timers } from '../ports.js';

export interface HeartbeatListener {
  /** Nothing came since the last beat: it is time to send a ping. */
  silent(): void;
  /** Nothing came for so long that the connection must be dead. */
  dead(silentMs: number): void;
}

/** Checks at intervals whether anything comes over a connection. */
export class Heartbeat {
  #wasHeard = true;
  #silentBeats = 0;
  #cancelBeat: CancelTask;

  readonly #timers: Timers;
  readonly #intervalMs: number;
  readonly #listener: HeartbeatListener;

  constructor(timers: Timers, intervalMs: number, listener: HeartbeatListener) {
    this.#timers = timers;
    this.#intervalMs = intervalMs;
    this.#listener = listener;
    this.#cancelBeat = timers.after(intervalMs, this.#onBeat);
  }

  /** Something has come. */
  note(): void {
    this.#wasHeard = true;
  }

  stop(): void {
    this.#cancelBeat();
  }

  readonly #onBeat = (): void => {
    this.#silentBeats = this.#wasHeard ? 0 : this.#silentBeats + 1;
    this.#wasHeard = false;
    if (this.#silentBeats >= DEAD_AFTER_BEATS) {
      this.#listener.dead(DEAD_AFTER_BEATS * this.#intervalMs);
      return;
    }
    this.#cancelBeat = this.#timers.after(this.#intervalMs, this.#onBeat);
    if (this.#silentBeats > 0) this.#listener.silent();
  };
}

const DEAD_AFTER_BEATS = 3;
