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

/** A file for the topology, which one process owns. */
export interface TopologyFile {
  readonly path: string;
  /** The lock of the file's directory, already taken. The store releases it when it closes. */
  readonly lock: FileLock;
}

/**
 * Keeps the topology for a cluster with one proxy: in a file, or only in this process, so that the document is gone when the process
 * ends. If a change of a file fails or its outcome is unknown, the store reads the file again before the next one.
 */
export class LocalTopologyStore implements TopologyStore {
  readonly #file: TopologyFile | undefined;
  #current: Topology | undefined;
  /** Whether the file has the current document. */
  #isKnown = false;
  #isClosed = false;
  /** One operation at a time. */
  #last: Promise<unknown> = Promise.resolve();
  readonly #listeners = new Set<() => void>();

  /** @param file undefined for a document in memory only */
  constructor(file?: TopologyFile) {
    this.#file = file;
  }

  read(): Promise<Topology | undefined> {
    return this.#inTurn(() => this.#load());
  }

  replace(next: Topology): Promise<boolean> {
    return this.#inTurn(async () => {
      const current = await this.#load();
      if (next.revision !== (current?.revision ?? 0) + 1) return false;
      if (this.#file) await this.#write(this.#file, next);
      this.#current = next;
      for (const listener of this.#listeners) queueMicrotask(listener);
      return true;
    });
  }

  watch(listener: () => void): () => void {
    const own = () => listener();
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** No other process can use the store. A claim does not wait for a slow change, because a late claim ends the lead. */
  async claimLead(name: string): Promise<string> {
    this.#assertOpen();
    return name;
  }

  async resignLead(): Promise<void> {
    this.#assertOpen();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#listeners.clear();
    await this.#last;
    await this.#file?.lock.release();
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new KvsError('store_unavailable', 'the topology store is closed');
  }

  async #inTurn<T>(operation: () => Promise<T>): Promise<T> {
    this.#assertOpen();
    const result = this.#last.then(operation).catch((error: unknown) => {
      if (error instanceof KvsError && error.code === 'invalid_topology') throw error;
      const place = this.#file?.path ?? 'memory';
      throw new KvsError('store_unavailable', `${place}: ${messageOf(error)}`, { cause: error });
    });
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #load(): Promise<Topology | undefined> {
    if (this.#file) await this.#read(this.#file);
    return this.#current;
  }

  async #read({ path, lock }: TopologyFile): Promise<void> {
    lock.assertHeld();
    if (this.#isKnown) return;
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    });
    this.#current = text === undefined ? undefined : topologyFromJson(text, path);
    this.#isKnown = true;
  }

  async #write({ path, lock }: TopologyFile, next: Topology): Promise<void> {
    this.#isKnown = false;
    await lock.publish(basename(path), (file) => file.writeFile(topologyToJson(next)));
    this.#isKnown = true;
  }
}
