import { Duplex } from 'node:stream';
import { setImmediate } from 'node:timers/promises';

/** A connection whose other end reads nothing and sends only what a test says: all that is written stays here. */
export class DeafPeer extends Duplex {
  override _read(): void {
    // Received bytes are pushed elsewhere.
  }

  override _write(): void {
    // Never done.
  }

  /** Sends the bytes up to `times` times, as long as the other end reads. */
  async say(bytes: Uint8Array, times = 1): Promise<void> {
    for (let i = 0; i < times && !this.isPaused() && !this.destroyed; i++) {
      this.push(bytes);
      await setImmediate();
    }
  }
}
