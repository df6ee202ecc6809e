import { Duplex } from 'node:stream';
import { setImmediate } from 'node:timers/promises';

/** A connection whose other end says what it is told to, and reads nothing: all that is written stays here. */
export class DeafPeer extends Duplex {
  override _read(): void {
    // What comes is pushed.
  }

  override _write(): void {
    // Never done.
  }

  /** Says it, as often as there is somebody who reads it, at most so many times. */
  async say(bytes: Uint8Array, times = 1): Promise<void> {
    for (let i = 0; i < times && !this.isPaused() && !this.destroyed; i++) {
      this.push(bytes);
      await setImmediate();
    }
  }
}
