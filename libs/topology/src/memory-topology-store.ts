import { KvsError } from '@kvs/protocol';
import type { TopologyStore } from './topology-store.js';
import type { Topology } from './topology.js';

/**
 * Keeps the topology in this process, for a cluster with one proxy whose nodes are started with it. The document is gone when
 * the process ends.
 */
export class MemoryTopologyStore implements TopologyStore {
  #topology: Topology | undefined;
  #isClosed = false;
  readonly #listeners = new Set<() => void>();

  async read(): Promise<Topology | undefined> {
    this.#assertOpen();
    return this.#topology;
  }

  async replace(next: Topology): Promise<boolean> {
    this.#assertOpen();
    if (next.revision !== (this.#topology?.revision ?? 0) + 1) return false;
    this.#topology = next;
    for (const listener of this.#listeners) queueMicrotask(listener);
    return true;
  }

  watch(listener: () => void): () => void {
    const own = () => listener();
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** No other process can reach the store. */
  async claimLead(name: string): Promise<string> {
    this.#assertOpen();
    return name;
  }

  async resignLead(): Promise<void> {
    this.#assertOpen();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#listeners.clear();
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new KvsError('store_unavailable', 'the topology store is closed');
  }
}
