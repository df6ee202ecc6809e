import type { Clock } from '@kvs/kv-store';
import type { KvsError, Scheduler } from '@kvs/protocol';

/**
 * When a write is acknowledged.
 *
 * - `commit`: when the operating system has its transaction. The write survives the death of the process, also by
 *   `kill -9`. After a power cut or a crash of the operating system, recent writes may be missing. The file may then
 *   be damaged, because the order in which pages reach the disk is not known. Closing the engine writes everything to the disk.
 * - `sync`: when the disk has it, by one fsync for each group of writes. The write survives a power cut too. The
 *   process waits for the fsync, some milliseconds on most disks.
 */
export type Durability = 'commit' | 'sync';

export interface LmdbEngineOptions {
  /** The directory of the data, which belongs to one process at a time. It is created if it is missing. */
  readonly directory: string;
  /** Default `commit`. */
  readonly durability?: Durability;
  /** Bytes of address space to map at first. The map grows by itself; a good estimate saves time. */
  readonly mapSizeBytes?: number;
  /** Milliseconds between sweeps for expired pairs. Default 1,000; 0 for none. */
  readonly sweepIntervalMs?: number;
  /** Runs the renewal of the directory's lock. Default: the system's timers. */
  readonly scheduler?: Scheduler;
  /** Measures how long the lock of the directory was not renewed. For tests; default: the system's clock. */
  readonly lockClock?: Clock;
  /** Text that changes when the machine is restarted. For tests; default: as the system tells. */
  readonly machine?: string;
  /**
   * Called once if another process has taken the directory, which can only happen after this process was suspended
   * for some seconds. The engine then refuses every operation.
   */
  readonly onLost?: (error: KvsError) => void;
}
