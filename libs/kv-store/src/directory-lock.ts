import { randomUUID } from 'node:crypto';
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { codeOf, KvsError, messageOf, type CancelTask, type Scheduler } from '@kvs/protocol';
import { microsToMs, type Clock } from './clock.js';
import { syncDirectory } from './sync-directory.js';

/** Options of a directory lock. */
export interface DirectoryLockOptions {
  /**
   * Measures how long the lock was not renewed. It must advance while the process or the machine is suspended, as the system's
   * clock does. Don't pass the clock of expiry: that of a cluster stands still before the node joins, and may during suspension.
   */
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  /** Called once if another process has taken the directory. The engine must not touch its files any more. */
  readonly onLost: (error: KvsError) => void;
}

/**
 * Gives a directory to one owner at a time, by a file `kvs.lock` in it that the owner rewrites twice a second.
 *
 * A process that finds the file watches it for two seconds. If it changes, the directory is in use. If it does not, whatever it
 * holds, its owner has ended without releasing it, and the directory is taken over. So the lock depends on neither process
 * ids nor host names, which containers share or change, and needs nothing of the file system but atomic renames. Node
 * offers no kernel locks; a Unix socket in the directory would not work over network file systems.
 *
 * An owner that was suspended for longer than that may have lost the directory without noticing. Three things keep it from
 * doing harm:
 * - A takeover replaces the file by a rename. The owner writes only into the file that it opened and found to be its own, so
 *   it cannot overwrite its successor's lock.
 * - {@link assertHeld} reads the file unless it was renewed a moment ago. A file that is missing after a time in which another
 *   process could have come and gone means that one did.
 * - The successor first deletes all temporary files. If the owner was suspended between `assertHeld` and the rename in
 *   {@link publish}, the rename fails.
 */
export class DirectoryLock {
  readonly #directory: string;
  readonly #options: DirectoryLockOptions;
  readonly #id = randomUUID();
  readonly #path: string;
  #renewalCount = 0;
  /** When the owner last held the lock, in milliseconds since the Unix epoch. */
  #seenHeldMs = 0;
  #cancel: CancelTask | undefined;
  #renewing: Promise<void> = Promise.resolve();
  #loss: KvsError | undefined;
  #isReleased = false;

  private constructor(directory: string, options: DirectoryLockOptions) {
    this.#directory = directory;
    this.#options = options;
    this.#path = join(directory, DIRECTORY_LOCK_FILE);
  }

  /**
   * Locks a directory, and creates it if it is missing. It returns at once if the directory was released, after half
   * a second if it is in use, and after about {@link TAKEOVER_MS} milliseconds if its owner ended without releasing
   * it.
   * @throws KvsError `engine_unavailable`: the directory is in use
   * @throws an error of the operating system: the directory cannot be made, read or written
   */
  static async acquire(directory: string, options: DirectoryLockOptions): Promise<DirectoryLock> {
    mkdirSync(directory, { recursive: true });
    const lock = new DirectoryLock(directory, options);
    // The scheduler's timers keep no process alive, and a process that starts may wait for nothing else.
    const alive = setInterval(() => undefined, TAKEOVER_MS);
    try {
      if (!lock.#create()) await lock.#takeOver();
    } finally {
      clearInterval(alive);
    }
    lock.#seenHeldMs = lock.#nowMs();
    lock.#removeTemporaryFiles();
    lock.#schedule();
    return lock;
  }

  /** Set if another process has taken the directory. */
  get loss(): KvsError | undefined {
    return this.#loss;
  }

  /**
   * Puts a file into the directory, or replaces it, once `write` has written all of it and its bytes are on disk. Until then
   * and after a failure, the directory has the file that it had before. Resolves with what `write` returns.
   *
   * @param name of the file in the directory
   * @throws KvsError `engine_unavailable`: another process has taken the directory
   * @throws an error of the operating system, or what `write` throws
   */
  async publish<T>(name: string, write: (file: FileHandle) => Promise<T>): Promise<T> {
    const temporary = this.#temporaryPath(name);
    try {
      const file = await open(temporary, 'w');
      let result: T;
      try {
        result = await write(file);
        await file.sync();
      } finally {
        await file.close();
      }
      this.assertHeld();
      await rename(temporary, join(this.#directory, name));
      await syncDirectory(this.#directory);
      return result;
    } catch (error) {
      // A full disk needs the space for other files.
      await rm(temporary, { force: true });
      throw error;
    }
  }

  /**
   * Removes a file from the directory. When it resolves, the disk has no such file either.
   *
   * @throws as {@link publish}
   */
  async withdraw(name: string): Promise<void> {
    this.assertHeld();
    await rm(join(this.#directory, name), { force: true });
    await syncDirectory(this.#directory);
  }

  /**
   * Must be called before each change in the directory. Costs nothing while the lock is renewed in time.
   * @throws KvsError `engine_unavailable`: another process has taken the directory, or may have, because the lock cannot be read
   */
  assertHeld(): void {
    if (this.#loss !== undefined) throw this.#loss;
    const nowMs = this.#nowMs();
    // Shorter than the time that a successor waits between its takeover and its first change.
    if (this.#unseenMs(nowMs) < RENEWAL_MS) return;
    const found = this.#readOrRefuse();
    if (this.#isLost(found, nowMs)) throw this.#lose(found);
    if (found !== undefined) this.#seenHeldMs = nowMs;
  }

  /**
   * Releases the directory, so that the next owner need not wait. Does nothing if the lock was lost. If the file
   * cannot be removed, that is no error, because nobody renews it.
   */
  async release(): Promise<void> {
    this.#isReleased = true;
    this.#cancel?.();
    await this.#renewing;
    try {
      if (this.#isOwn(this.#read())) rmSync(this.#path, { force: true });
    } catch {
      // The directory can't be used, but this process needs it no more.
    }
  }

  /**
   * Returns whether another process has had the directory. If no process had the time to take it, a person removed
   * the file. Otherwise a successor may have come and gone.
   */
  #isLost(found: string | undefined, nowMs: number): boolean {
    return found === undefined || found === '' ? this.#unseenMs(nowMs) >= TAKEOVER_MS : !this.#isOwn(found);
  }

  /** A clock that was set back does not tell how much time has passed. */
  #unseenMs(nowMs: number): number {
    return Math.abs(nowMs - this.#seenHeldMs);
  }

  /** Returns false if there is a lock already. */
  #create(): boolean {
    let file: number;
    try {
      file = openSync(this.#path, 'wx');
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false;
      throw error;
    }
    try {
      writeFileSync(file, this.#text());
    } catch (error) {
      rmSync(this.#path, { force: true });
      throw error;
    } finally {
      closeSync(file);
    }
    return true;
  }

  async #takeOver(): Promise<void> {
    const abandoned = this.#read();
    for (let interval = 0; interval < WATCH_INTERVALS; interval++) {
      await this.#interval();
      const found = this.#read();
      if (found === undefined && this.#create()) return;
      if (found !== abandoned) throw this.#inUse(found);
    }
    this.#replace();
    // Others may have decided the same at the same moment. The last of them has the directory.
    await this.#interval();
    const found = this.#read();
    if (!this.#isOwn(found)) throw this.#inUse(found);
  }

  #replace(): void {
    const temporary = this.#temporaryPath(DIRECTORY_LOCK_FILE);
    try {
      writeFileSync(temporary, this.#text());
      renameSync(temporary, this.#path);
    } finally {
      rmSync(temporary, { force: true });
    }
  }

  #removeTemporaryFiles(): void {
    for (const name of readdirSync(this.#directory))
      if (TEMPORARY_FILE.test(name)) rmSync(join(this.#directory, name), { force: true });
  }

  /** The next owner deletes the file if it is left over. */
  #temporaryPath(name: string): string {
    return join(this.#directory, `${name}.${this.#id}.tmp`);
  }

  #schedule(): void {
    this.#cancel = this.#options.scheduler.after(RENEWAL_MS, () => {
      this.#renewing = this.#renew()
        // The lock may look abandoned from now on, so assertHeld reads the file.
        .catch(() => undefined)
        .finally(() => {
          if (!this.#isReleased && this.#loss === undefined) this.#schedule();
        });
    });
  }

  async #renew(): Promise<void> {
    const nowMs = this.#nowMs();
    const file = await open(this.#path, 'r+').catch((error: unknown) => {
      if (codeOf(error) !== 'ENOENT') throw error;
      return this.#isLost(undefined, nowMs) ? undefined : open(this.#path, 'wx+');
    });
    if (file === undefined) return void this.#lose(undefined);
    try {
      const found = await file.readFile('utf8');
      if (this.#isLost(found, nowMs)) return void this.#lose(found);
      this.#renewalCount++;
      await file.write(this.#text(), 0);
      this.#seenHeldMs = nowMs;
    } finally {
      await file.close();
    }
  }

  /** Both a renewal and {@link assertHeld} may find out. */
  #lose(found: string | undefined): KvsError {
    if (this.#loss !== undefined) return this.#loss;
    this.#loss = new KvsError(
      'engine_unavailable',
      `${this.#directory} was taken over by ${ownerIn(found)}, because this process did not renew its lock in time`,
    );
    this.#cancel?.();
    this.#options.onLost(this.#loss);
    return this.#loss;
  }

  #inUse(found: string | undefined): KvsError {
    const message = `${this.#directory} is in use by ${ownerIn(found)}: each process needs a directory of its own`;
    return new KvsError('engine_unavailable', message);
  }

  /** All texts of an owner have the same length, so that one overwrites another completely. */
  #text(): string {
    const count = String(this.#renewalCount).padStart(10, '0');
    return `${this.#id} ${count} process ${process.pid} of ${hostname()}\n`;
  }

  #isOwn(text: string | undefined): boolean {
    return text?.startsWith(this.#id) ?? false;
  }

  #read(): string | undefined {
    try {
      return readFileSync(this.#path, 'utf8');
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** The error may pass, for example if the process has no file descriptor left. */
  #readOrRefuse(): string | undefined {
    try {
      return this.#read();
    } catch (cause) {
      const message = `the lock of ${this.#directory} cannot be read: ${messageOf(cause)}`;
      throw new KvsError('engine_unavailable', message, { cause });
    }
  }

  #interval(): Promise<void> {
    return new Promise((resolve) => void this.#options.scheduler.after(RENEWAL_MS, resolve));
  }

  #nowMs(): number {
    return microsToMs(this.#options.clock.nowMicros());
  }
}

/** The name of the lock's file in the directory. */
export const DIRECTORY_LOCK_FILE = 'kvs.lock';

/** How often the owner rewrites its lock, in milliseconds. */
export const RENEWAL_MS = 500;

/** A busy machine may stop an owner for a second or two. */
const WATCH_INTERVALS = 4;

/** How long it takes to take over a directory whose owner ended without releasing it, in milliseconds. */
export const TAKEOVER_MS = (WATCH_INTERVALS + 1) * RENEWAL_MS;

/** The id is a UUID. */
const TEMPORARY_FILE = /\.[\da-f-]{36}\.tmp$/;

/** Returns the rest of the text, after the id and the number. The file may contain anything. */
function ownerIn(text = ''): string {
  return /^\S+ \d+ (process \d+ of [^\n]{1,255})\n$/.exec(text)?.[1] ?? 'another process';
}
