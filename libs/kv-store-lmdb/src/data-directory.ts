import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import {
  DIRECTORY_LOCK_FILE,
  DirectoryLock,
  partitionFunctionProblem,
  type DirectoryLockOptions,
} from '@kvs/kv-store';
import { KvsError, messageOf, PARTITION_FUNCTION } from '@kvs/protocol';
import { dataFileProblem } from './data-file.js';
import { Environment } from './environment.js';
import { unavailable } from './failures.js';

/** The version of the files on disk. Raise it with every change that an older engine would misread. */
const FORMAT = 'kvs-lmdb 1';

/** The file that a clean shutdown leaves and the next start removes. It names the start that wrote it. */
const CLOSED = 'closed';

/** A directory that this process has locked and whose files have been checked. */
export class DataDirectory {
  readonly #lock: DirectoryLock;

  /** @param closedText left by the engine before, if it was closed in good order */
  private constructor(
    readonly path: string,
    readonly closedText: string | undefined,
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
      const file = Environment.fileIn(path);
      const problem = await dataFileProblem(file);
      if (problem !== undefined) throw unavailable(`${file} is corrupt: ${problem}`);
      return new DataDirectory(path, textOf(join(path, CLOSED)), lock);
    } catch (error) {
      await lock?.release();
      if (error instanceof KvsError) throw error;
      throw unavailable(`${path} cannot be used`, error);
    }
  }

  /** Set if another process has taken the directory. */
  get loss(): KvsError | undefined {
    return this.#lock.loss;
  }

  /** Returns why the directory may not be changed now; undefined if it may. */
  obstacle(): string | undefined {
    try {
      this.#lock.assertHeld();
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  }

  /**
   * Removes the file `closed`. Must be called before the first write: after a power loss, a file that is left over would
   * hide that writes are missing. Must not be called before the data file could be opened: if that fails, nothing is missing.
   */
  withdrawClosed(): Promise<void> {
    return this.#lock.withdraw(CLOSED);
  }

  /** @throws KvsError `engine_unavailable` */
  async syncDataFile(): Promise<void> {
    const path = Environment.fileIn(this.path);
    try {
      const file = await open(path, 'r+');
      try {
        await file.sync();
      } finally {
        await file.close();
      }
    } catch (error) {
      throw unavailable(`${path} cannot be written to the disk`, error);
    }
  }

  /**
   * Writes the file `closed`. The disk must have all of the data file, and nothing may be written later. If that fails, or the process
   * ends before, there is no such file.
   *
   * @throws KvsError `engine_unavailable`
   */
  async publishClosed(text: string): Promise<void> {
    try {
      await this.#lock.publish(CLOSED, (file) => file.writeFile(text));
    } catch (error) {
      throw unavailable(`${this.path} cannot be marked as closed`, error);
    }
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

function textOf(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}
