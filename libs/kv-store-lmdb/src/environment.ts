import { statSync } from 'node:fs';
import { join } from 'node:path';
import { PARTITION_COUNT } from '@kvs/protocol';
import type { EngineStats } from '@kvs/kv-store';
import type { Database, RootDatabase } from 'lmdb';
import { open, TransactionFlags } from 'lmdb';
import { partitionOf, partitionStart } from './key-codec.js';
import type { Durability } from './lmdb-engine-options.js';

const NAME = 'data.mdb';
const RAW = { keyEncoding: 'binary', encoding: 'binary' } as const;

/** The LMDB environment of one data directory and its tables, all of them from bytes to bytes. */
export class Environment {
  readonly pairs: Database<Buffer, Buffer>;
  /** An entry without a value for each pair that expires: its time, then where it is. */
  readonly deadlines: Database<Buffer, Buffer>;
  /** By partition, the highest version that left it. */
  readonly floors: Database<Buffer, Buffer>;
  readonly #root: RootDatabase<Buffer, Buffer>;
  readonly #flags: number;
  readonly #file: string;
  readonly #identity: string;

  constructor(directory: string, durability: Durability, mapSizeBytes: number | undefined) {
    this.#file = Environment.fileIn(directory);
    this.#root = open({
      path: this.#file,
      noSubdir: true,
      // It would make each commit wait for the disk, whatever the durability.
      overlappingSync: false,
      ...(mapSizeBytes === undefined ? {} : { mapSize: mapSizeBytes }),
      ...RAW,
    });
    this.pairs = this.#root.openDB('pairs', RAW);
    this.deadlines = this.#root.openDB('deadlines', RAW);
    this.floors = this.#root.openDB('floors', RAW);
    this.#identity = fileIdentity(this.#file);
    this.#flags =
      TransactionFlags.SYNCHRONOUS_COMMIT | (durability === 'commit' ? TransactionFlags.NO_SYNC_FLUSH : 0);
  }

  static fileIn(directory: string): string {
    return join(directory, NAME);
  }

  /** Applies all of it and commits, or throws and has changed nothing. */
  transact(apply: () => void): void {
    this.#root.transactionSync(apply, this.#flags);
  }

  /**
   * Returns why pairs written now would be lost, undefined if they would not. LMDB goes on with its open file when the
   * file, or a directory above it, was moved, deleted or replaced: nobody would find that file at the next start.
   */
  obstacle(): string | undefined {
    try {
      return fileIdentity(this.#file) === this.#identity ? undefined : `${this.#file} was replaced`;
    } catch (error) {
      return `${this.#file} is not there: ${String(error)}`;
    }
  }

  stats(): EngineStats {
    return {
      pairCount: entryCount(this.pairs.getStats()),
      partitionCount: this.#partitionCount(),
      usedBytes: statSync(this.#file).size,
    };
  }

  /** From each partition's first key straight to the next partition's. */
  #partitionCount(): number {
    let count = 0;
    for (let partition = 0; partition < PARTITION_COUNT; count++) {
      const [first] = this.pairs.getKeys({ start: partitionStart(partition), limit: 1 });
      if (first === undefined) break;
      partition = partitionOf(first) + 1;
    }
    return count;
  }

  close(): Promise<void> {
    return this.#root.close();
  }
}

/** Tells a file from every other one on this machine. */
function fileIdentity(path: string): string {
  const { dev, ino } = statSync(path, { bigint: true });
  return `${dev}/${ino}`;
}

/** What LMDB knows of a table, which its types leave open. */
function entryCount(stats: object): number {
  return 'entryCount' in stats ? Number(stats.entryCount) : 0;
}

/**
 * Whether an error says that there is no more room: disk, quota, or the largest file or map that may be.
 * LMDB calls a write that the system cut short, as it does the last one that fits in part, an input/output error.
 */
export function isOutOfSpace(error: unknown): boolean {
  return error instanceof Error && OUT_OF_SPACE.test(error.message);
}

const OUT_OF_SPACE =
  /no space left|input\/output error|i\/o error|file too large|quota exceeded|MDB_MAP_FULL|cannot allocate memory/i;
