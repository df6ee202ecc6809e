import { readFile, type FileHandle } from 'node:fs/promises';
import { basename } from 'node:path';
import { codeOf, KvsError, messageOf } from '@kvs/protocol';
import { topologyFromJson, topologyToJson } from './topology-json.js';
import type { TopologyStore } from './topology-store.js';
import type { Topology } from './topology.js';

/** Keeps other processes from the file's directory. */
export interface FileLock {
  /** @throws if another process may have taken the lock */
  assertHeld(): void;
  /**
   * Puts what `write` writes in the place of a file of the directory, once it is on the disk. So the file is whole whenever
   * the machine stops.
   *
   * @throws if another process may have taken the lock; the file stays as it is
   */
  publish(name: string, write: (file: FileHandle) => Promise<void>): Promise<void>;
  release(): Promise<void>;
}

/**
 * Keeps the topology in a file that one proxy owns. If a change fails or its outcome is unknown, the store reads the file again
 * before the next one.
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
      await this.#lock.publish(basename(this.#path), (file) => file.writeFile(topologyToJson(next)));
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

  resignLead(): Promise<void> {
    return this.#inTurn(async () => undefined);
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
        if (codeOf(error) === 'ENOENT') return undefined;
        throw error;
      });
      this.#current = text === undefined ? undefined : topologyFromJson(text, this.#path);
      this.#isKnown = true;
    }
    return this.#current;
  }
}
