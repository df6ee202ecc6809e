import { statSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, PARTITION_COUNT } from '@kvs/protocol';
import type { EngineStats } from '@kvs/kv-store';
import { open, TransactionFlags, type Database, type RootDatabase } from 'lmdb';
import { DiskSpace, type Room } from './disk-space.js';
import { partitionIn, partitionStart } from './key-codec.js';
import type { Durability } from './lmdb-engine-options.js';

const NAME = 'data.mdb';
const RAW = { keyEncoding: 'binary', encoding: 'binary' } as const;

/** The LMDB environment of one data directory, and its tables of bytes. */
export class Environment {
  readonly pairs: Database<Buffer, Buffer>;
  /** An entry without a value for each pair that expires: its deadline, then its partition and key. */
  readonly deadlines: Database<Buffer, Buffer>;
  /** By partition, the highest version that left it. */
  readonly floors: Database<Buffer, Buffer>;
  /** By partition, the position of its last effect. Empty as long as the node is of no cluster. */
  readonly positions: Database<Buffer, Buffer>;
  /** Has one entry, if a cluster knows the pairs: their identity. */
  readonly identity: Database<Buffer, Buffer>;
  readonly #disk: DiskSpace;
  readonly #root: RootDatabase<Buffer, Buffer>;
  readonly #flags: number;
  readonly #file: string;
  readonly #fileIdentity: string;

  constructor(
    directory: string,
    durability: Durability,
    mapSizeBytes: number | undefined,
    disk = new DiskSpace(directory),
  ) {
    this.#file = Environment.fileIn(directory);
    this.#disk = disk;
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
    this.positions = this.#root.openDB('positions', RAW);
    this.identity = this.#root.openDB('identity', RAW);
    this.#fileIdentity = fileIdentity(this.#file);
    this.#flags =
      TransactionFlags.SYNCHRONOUS_COMMIT | (durability === 'commit' ? TransactionFlags.NO_SYNC_FLUSH : 0);
  }

  static fileIn(directory: string): string {
    return join(directory, NAME);
  }

  /** Applies all changes and commits them, or throws and changes nothing. */
  transact(apply: () => void): void {
    this.#root.transactionSync(apply, this.#flags);
  }

  /**
   * Returns why pairs written now would be lost, undefined if they would not. If the file, or a directory above it,
   * is moved, deleted or replaced, LMDB continues with its open file, which the next start would not find.
   */
  obstacle(): string | undefined {
    try {
      return fileIdentity(this.#file) === this.#fileIdentity ? undefined : `${this.#file} was replaced`;
    } catch (error) {
      return `${this.#file} is not there: ${messageOf(error)}`;
    }
  }

  stats(): EngineStats {
    const fileBytes = statSync(this.#file).size;
    const { freeBytes } = this.#disk;
    return {
      pairCount: count(this.pairs.getStats(), 'entryCount'),
      partitionCount: this.partitionsWithPairs().length,
      usedBytes: this.#usedBytes,
      ...(Number.isFinite(freeBytes) && { maxBytes: fileBytes + freeBytes }),
    };
  }

  /** As {@link DiskSpace.room}. */
  room(wantedBytes: number): Room {
    return this.#disk.room(wantedBytes, () => this.#reusableBytes);
  }

  /** Whether there may soon be no room for pairs, neither on the disk nor in the file. */
  get isFull(): boolean {
    return this.room(0).bytes < 0;
  }

  /**
   * How many bytes of the file pairs have left. The file never shrinks, but LMDB uses these pages again. Free pages after the end
   * of the file, which LMDB never wrote, need space on the disk.
   */
  get #reusableBytes(): number {
    const fileBytes = statSync(this.#file, { throwIfNoEntry: false })?.size ?? 0;
    return Math.max(fileBytes - this.#usedBytes, 0);
  }

  get #usedBytes(): number {
    const { pairs, deadlines, floors, positions, identity } = this;
    const root = this.#root.getStats();
    const tables = [pairs, deadlines, floors, positions, identity].map((table) => table.getStats());
    const free: unknown = Reflect.get(root, 'free');
    const lists = [root, ...(typeof free === 'object' && free !== null ? [free] : []), ...tables];
    return lists.map(pagesOf).reduce((sum, pages) => sum + pages, META_PAGES) * count(root, 'pageSize');
  }

  /** Returns the partitions with pairs. Jumps from each partition's first key to the next partition's. */
  partitionsWithPairs(): number[] {
    const partitions: number[] = [];
    for (let next = 0; next < PARTITION_COUNT;) {
      const [first] = this.pairs.getKeys({ start: partitionStart(next), limit: 1 });
      if (first === undefined) break;
      const partition = partitionIn(first);
      partitions.push(partition);
      next = partition + 1;
    }
    return partitions;
  }

  close(): Promise<void> {
    return this.#root.close();
  }
}

/** Returns text that identifies a file on this machine. */
function fileIdentity(path: string): string {
  const { dev, ino } = statSync(path, { bigint: true });
  return `${dev}/${ino}`;
}

function pagesOf(table: object): number {
  return (
    count(table, 'treeBranchPageCount') + count(table, 'treeLeafPageCount') + count(table, 'overflowPages')
  );
}

/** Returns a number of the statistics of a table, which LMDB's types leave out. */
function count(stats: object, name: string): number {
  const value: unknown = Reflect.get(stats, name);
  if (typeof value !== 'number') throw new TypeError(`LMDB does not report ${name}`);
  return value;
}

/** LMDB copies each page that it changes. */
export const PAGE_BYTES = 4096;

/** At the beginning of each file. */
const META_PAGES = 2;
