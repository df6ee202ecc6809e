import { TopologyError } from './errors.js';
import { topologyFromJson, topologyToJson } from './topology-json.js';
import type { TopologyStore } from './topology-store.js';
import type { Topology } from './topology.js';

/**
 * Keeps the topology in this process, for a cluster with one proxy whose nodes are started with it. The document is gone when
 * the process ends.
 */
export class MemoryTopologyStore implements TopologyStore {
  /** As text, so that nobody shares objects with the store. */
  #document: string | undefined;
  #revision = 0;
  #isClosed = false;
  readonly #listeners = new Set<() => void>();

  async read(): Promise<Topology | undefined> {
    this.#assertOpen();
    return this.#document === undefined ? undefined : topologyFromJson(this.#document);
  }

  async replace(next: Topology): Promise<boolean> {
    this.#assertOpen();
    if (next.revision !== this.#revision + 1) return false;
    this.#document = topologyToJson(next);
    this.#revision = next.revision;
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

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#listeners.clear();
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new TopologyError('store_unavailable', 'the topology store is closed');
  }
}
