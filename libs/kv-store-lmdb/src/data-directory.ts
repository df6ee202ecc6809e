import { closeSync, existsSync, fstatSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { DirectoryLockOptions } from '@kvs/kv-store';
import { DIRECTORY_LOCK_FILE, DirectoryLock, partitionFunctionProblem } from '@kvs/kv-store';
import { KvsError, PARTITION_FUNCTION } from '@kvs/protocol';
import { Environment } from './environment.js';

/** The version of the files on disk. Raise it with every change that an older engine would misread. */
const FORMAT = 'kvs-lmdb 1';

/** A directory that this process has locked and whose files have been checked. */
export class DataDirectory {
  readonly #lock: DirectoryLock;

  private constructor(
    readonly path: string,
    lock: DirectoryLock,
  ) {
    this.#lock = lock;
  }

  /** @throws KvsError `engine_unavailable` with the problem of the directory */
  static async claim(path: string, options: DirectoryLockOptions): Promise<DataDirectory> {
    let lock: DirectoryLock | undefined;
    try {
      lock = await DirectoryLock.acquire(path, options);
      await checkFormat(path, lock);
      checkFile(Environment.fileIn(path));
      return new DataDirectory(path, lock);
    } catch (error) {
      await lock?.release();
      if (error instanceof KvsError) throw error;
      throw unavailable(`${path} cannot be used: ${String(error)}`, error);
    }
  }

  /** Set if another process has taken the directory. */
  get loss(): KvsError | undefined {
    return this.#lock.loss;
  }

  /** @throws KvsError `engine_unavailable`: another process has taken the directory */
  assertHeld(): void {
    this.#lock.assertHeld();
  }

  release(): Promise<void> {
    return this.#lock.release();
  }
}

/** Checks the file that names the format and the partition function. It is the first file of a new directory. */
async function checkFormat(path: string, lock: DirectoryLock): Promise<void> {
  const file = join(path, 'format');
  if (existsSync(file)) {
    const text = readFileSync(file, 'utf8').trim();
    const [engine, version, partitionFunction] = text.split(' ');
    if (`${engine} ${version}` !== FORMAT)
      throw unavailable(`${path} has the format "${text.slice(0, 100)}"; this engine reads "${FORMAT}"`);
    const problem = partitionFunctionProblem(partitionFunction);
    if (problem !== undefined) throw unavailable(`${path} ${problem}`);
    return;
  }
  const own = ['lost+found', DIRECTORY_LOCK_FILE];
  const strangers = readdirSync(path).filter((name) => !own.includes(name));
  if (strangers.length > 0) throw unavailable(`${path} holds other files, and no data of this engine`);
  await lock.publish('format', (format) => format.writeFile(`${FORMAT} ${PARTITION_FUNCTION}\n`));
}

/**
 * Checks the data file, because LMDB maps it unchecked: a read of a file of another kind, or one that is too short,
 * would end the process.
 */
function checkFile(path: string): void {
  if (!existsSync(path)) return;
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    if (size === 0) return; // killed before its first page
    const first = readMeta(file, 0);
    const second = first && readMeta(file, first.pageSize);
    if (!first || !second) throw unavailable(`${path} is corrupt: its head is not that of an LMDB file`);
    const newest = second.transaction > first.transaction ? second : first;
    if (size < (newest.lastPage + 1) * newest.pageSize)
      throw unavailable(`${path} is corrupt: its end is missing`);
  } finally {
    closeSync(file);
  }
}

/**
 * Reads one of the two meta pages at the start of the file, of which the newer counts; returns undefined if it is
 * invalid.
 */
function readMeta(
  file: number,
  position: number,
): { pageSize: number; lastPage: number; transaction: bigint } | undefined {
  const page = Buffer.alloc(160);
  if (readSync(file, page, 0, page.length, position) < page.length) return undefined;
  if (page.readUInt32LE(24) !== LMDB_MAGIC) return undefined;
  const pageSize = page.readUInt32LE(48);
  if (pageSize < 512 || pageSize > 65_536) return undefined;
  return { pageSize, lastPage: Number(page.readBigUInt64LE(144)), transaction: page.readBigUInt64LE(152) };
}

const LMDB_MAGIC = 0xbeefc0de;

function unavailable(message: string, cause?: unknown): KvsError {
  return new KvsError('engine_unavailable', message, { cause });
}
