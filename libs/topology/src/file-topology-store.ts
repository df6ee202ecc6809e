import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isNativeError } from 'node:util/types';
import { KvsError } from '@kvs/protocol';
import { messageOf } from './message-of.js';
import { topologyFromJson, topologyToJson } from './topology-json.js';
import type { TopologyStore } from './topology-store.js';
import type { Topology } from './topology.js';

/** Keeps other processes from the file. */
export interface FileLock {
  /** @throws if another process may have taken the lock */
  assertHeld(): void;
  /** Returns a path in the file's directory. A later owner of the lock deletes files that were left there. */
  temporaryPath(name: string): string;
  release(): Promise<void>;
}

/**
 * Keeps the topology in a file that one proxy owns. A change is written to another file, flushed to the disk and renamed, so
 * that the file is whole whenever the machine stops. If the rename fails or its outcome is unknown, the store reads the file
 * again before the next change.
 */
export class FileTopologyStore implements TopologyStore {
  readonly #path: string;
  readonly #lock: FileLock;
  #current: Topology | undefined;
  #isKnown = false;
  #isClosed = false;
  /** One operation at a time. */
  #last: Promise<unknown> = Promise.resolve();
  readonly #listeners = new Set<() => void>();

  /** @param lock of the file's directory, already taken; the store releases it when it closes */
  constructor(path: string, lock: FileLock) {
    this.#path = path;
    this.#lock = lock;
  }

  read(): Promise<Topology | undefined> {
    return this.#inTurn(() => this.#load());
  }

  replace(next: Topology): Promise<boolean> {
    return this.#inTurn(async () => {
      const current = await this.#load();
      if (next.revision !== (current?.revision ?? 0) + 1) return false;
      this.#isKnown = false;
      await this.#write(topologyToJson(next));
      this.#current = next;
      this.#isKnown = true;
      for (const listener of this.#listeners) queueMicrotask(listener);
      return true;
    });
  }

  watch(listener: () => void): () => void {
    const own = () => listener();
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** The owner of the file is the only process. */
  claimLead(name: string): Promise<string> {
    return this.#inTurn(async () => name);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#listeners.clear();
    await this.#last;
    await this.#lock.release();
  }

  #inTurn<T>(operation: () => Promise<T>): Promise<T> {
    if (this.#isClosed) {
      return Promise.reject(new KvsError('store_unavailable', 'the topology store is closed'));
    }
    const result = this.#last.then(operation).catch((error: unknown) => {
      if (error instanceof KvsError && error.code === 'invalid_topology') throw error;
      throw new KvsError('store_unavailable', `${this.#path}: ${messageOf(error)}`, { cause: error });
    });
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #load(): Promise<Topology | undefined> {
    this.#lock.assertHeld();
    if (!this.#isKnown) {
      const text = await readFile(this.#path, 'utf8').catch((error: unknown) => {
        if (isNativeError(error) && 'code' in error && error.code === 'ENOENT') return undefined;
        throw error;
      });
      this.#current = text === undefined ? undefined : topologyFromJson(text, this.#path);
      this.#isKnown = true;
    }
    return this.#current;
  }

  async #write(text: string): Promise<void> {
    const temporary = this.#lock.temporaryPath('topology');
    const file = await open(temporary, 'w');
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    this.#lock.assertHeld();
    await rename(temporary, this.#path);
    await syncDirectory(dirname(this.#path));
  }
}

/** Without this, a machine that stops may forget the rename. */
async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return; // which has no such call
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
