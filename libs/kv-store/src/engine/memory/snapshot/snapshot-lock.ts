import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { link, readFile, unlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { SnapshotError } from './snapshot-options.js';
import { isSystemError, unless } from './system-error.js';

/**
 * Keeps a snapshot to one engine, by a file next to it that says which process has it. What is left by a process that
 * was killed is known for that: no such process runs on this machine, or one that started at another time.
 */
export class SnapshotLock {
  readonly #path: string;
  readonly #text: string;

  constructor(private readonly file: string) {
    this.#path = `${file}.lock`;
    const owner: Owner = {
      pid: process.pid,
      host: hostname(),
      start: startOf(process.pid),
      id: randomUUID(),
    };
    this.#text = JSON.stringify(owner);
  }

  /**
   * Takes the lock; does nothing where it is held already. To be called before each write too, in case that
   * somebody removed the file meanwhile.
   * @throws SnapshotError of code `in_use`
   */
  async take(): Promise<void> {
    const own = `${this.#path}.${randomUUID()}`;
    await writeFile(own, this.#text, { flag: 'wx' });
    try {
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        if (await linked(own, this.#path)) return;
        const holder = await read(this.#path);
        if (holder === this.#text) return;
        if (holder !== undefined) await this.#removeStale(holder, own);
      }
      throw this.#inUse(
        `somebody who is just taking it, or who ended at that and left ${this.#path}.removing`,
      );
    } finally {
      await unlink(own);
    }
  }

  async release(): Promise<void> {
    if ((await read(this.#path)) === this.#text) await unlink(this.#path);
  }

  /**
   * Only who has made a second file may remove what is stale, and he looks again first: what somebody has taken since
   * is left alone.
   */
  async #removeStale(holder: string, own: string): Promise<void> {
    const owner = parseOwner(holder);
    if (owner === undefined) throw this.#inUse('somebody whose name cannot be read');
    if (owner.host !== hostname()) throw this.#inUse(`process ${owner.pid} of the machine ${owner.host}`);
    if (isRunning(owner)) throw this.#inUse(`process ${owner.pid}`);
    const remover = `${this.#path}.removing`;
    if (!(await linked(own, remover))) return;
    try {
      if ((await read(this.#path)) === holder) await unlink(this.#path);
    } finally {
      await unlink(remover);
    }
  }

  #inUse(owner: string): SnapshotError {
    const advice = `no two nodes may have the same directory; if it does not run any more, remove ${this.#path}`;
    return new SnapshotError('in_use', this.file, `belongs to ${owner}: ${advice}`);
  }
}

/** Several may come at the same time, and each that is late looks again. */
const MAX_ATTEMPTS = 10;

interface Owner {
  readonly pid: number;
  readonly host: string;
  /** Tells a process from a later one of the same number; null where the system does not say. */
  readonly start: string | null;
  readonly id: string;
}

function parseOwner(text: string): Owner | undefined {
  try {
    const owner: unknown = JSON.parse(text);
    return isOwner(owner) ? owner : undefined;
  } catch {
    return undefined;
  }
}

function isOwner(owner: unknown): owner is Owner {
  if (typeof owner !== 'object' || owner === null) return false;
  return 'host' in owner && 'start' in owner && 'pid' in owner && Number.isSafeInteger(owner.pid);
}

function isRunning({ pid, start }: Owner): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (isSystemError(error) && error.code === 'ESRCH') return false;
  }
  return start === null || start === startOf(pid);
}

/** When a process started, by Linux's account: field 22 of its status, the 20th after the name in brackets. */
function startOf(pid: number): string | null {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return status.slice(status.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  return (await unless('EEXIST', () => link(from, to).then(() => true))) ?? false;
}

function read(path: string): Promise<string | undefined> {
  return unless('ENOENT', () => readFile(path, 'utf8'));
}
