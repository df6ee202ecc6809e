export interface SnapshotOptions {
  /** Where the snapshot lies; made if need be. Belongs to one engine. */
  readonly directory: string;
  /** Milliseconds between the end of one snapshot and the start of the next; 0 for only when closed. Default 0. */
  readonly intervalMs?: number;
  /** What becomes of a damaged snapshot: the engine does not open, or starts empty and sets it aside. Default `refuse`. */
  readonly damaged?: 'refuse' | 'set-aside';
  /** Told how loading goes on, and of snapshots that failed. Default: nobody. */
  readonly log?: SnapshotLog;
}

export interface SnapshotLog {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** A snapshot cannot be loaded or written, or belongs to another engine. The message names the file. */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError';

  constructor(
    readonly code: 'damaged' | 'too_large' | 'in_use' | 'io',
    readonly file: string,
    reason: string,
    options?: ErrorOptions,
  ) {
    super(`the snapshot ${file} ${reason}`, options);
  }
}
