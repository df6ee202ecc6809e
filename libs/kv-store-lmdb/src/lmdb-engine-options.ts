import type { Scheduler } from '@kvs/kv-store';
import type { KvsError } from '@kvs/protocol';

/**
 * When a write is acknowledged.
 *
 * - `commit`: when its transaction is in the operating system's hands. It survives the death of the process, by
 *   `kill -9` too. After a power cut or a crash of the operating system recent writes may be missing, and as
 *   the order in which pages reach the disk is then not known, the file may be damaged.
 * - `sync`: when the disk has it (one fsync for each group of writes). It survives a power cut as well. The fsync
 *   holds up the process, for some milliseconds on most disks.
 */
export type Durability = 'commit' | 'sync';

export interface LmdbEngineOptions {
  /** Where the data lives: a directory of the engine's own, made when it is missing. One process at a time. */
  readonly directory: string;
  /** Default `commit`. */
  readonly durability?: Durability;
  /** Bytes of address space mapped at first. The map grows by itself; a good guess saves it the trouble. */
  readonly mapSizeBytes?: number;
  /** How often expired pairs are looked for, besides when they are met. Default 1,000; 0 for never. */
  readonly sweepIntervalMs?: number;
  /** Who runs the renewal of the directory's lock. Default: the system's timers. */
  readonly scheduler?: Scheduler;
  /**
   * Told once if another process has taken the directory, which can only happen after this one was suspended for some
   * seconds. The engine then refuses every operation. Default: nobody.
   */
  readonly onLost?: (error: KvsError) => void;
}
