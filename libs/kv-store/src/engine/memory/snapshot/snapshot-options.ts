import type { KvsError } from '@kvs/protocol';

export interface SnapshotOptions {
  /** Where the snapshot lies; made if need be. Belongs to one engine. */
  readonly directory: string;
  /** Milliseconds between the end of one snapshot and the start of the next; 0 for only when closed. Default 0. */
  readonly intervalMs?: number;
  /** What becomes of a damaged snapshot: the engine does not open, or starts empty and sets it aside. Default `refuse`. */
  readonly damaged?: 'refuse' | 'set-aside';
  /** Told how loading goes on, and of snapshots that failed. Default: nobody. */
  readonly log?: SnapshotLog;
  /**
   * Told once if another process has taken the directory, which can only happen after this one was suspended for some
   * seconds. The engine logs it, refuses every operation and writes no more snapshots. Default: nobody.
   */
  readonly onLost?: (error: KvsError) => void;
}

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
