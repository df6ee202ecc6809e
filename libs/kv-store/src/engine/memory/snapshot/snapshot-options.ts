import type { KvsError } from '@kvs/protocol';
import type { Clock } from '../../../clock.js';

/** Where and when a memory engine writes its pairs to disk. */
export interface SnapshotOptions {
  /** The directory of the snapshot, which belongs to one engine. It is created if necessary. */
  readonly directory: string;
  /**
   * Milliseconds between the end of one snapshot and the start of the next; 0 to write one only when the engine is
   * closed. Default 0.
   */
  readonly intervalMs?: number;
  /** If a snapshot is damaged, the engine refuses to open, or renames the file and starts empty. Default `refuse`. */
  readonly damaged?: 'refuse' | 'set-aside';
  /** Receives the progress of loading, and failures to write. Default: nobody. */
  readonly log?: SnapshotLog;
  /**
   * Called once if another process has taken the directory, which can only happen after this process was suspended
   * for some seconds. The engine logs it, refuses every operation and writes no more snapshots.
   */
  readonly onLost?: (error: KvsError) => void;
  /** Measures how long the lock of the directory was not renewed. For tests; default: the system's clock. */
  readonly lockClock?: Clock;
}

/** Receives messages about snapshots. */
export interface SnapshotLog {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** A snapshot cannot be loaded or written. `incompatible`: another partition function. The message names the file. */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError';

  constructor(
    readonly code: 'damaged' | 'incompatible' | 'too_large' | 'io',
    readonly file: string,
    reason: string,
    options?: ErrorOptions,
  ) {
    super(`the snapshot ${file} ${reason}`, options);
  }
}
