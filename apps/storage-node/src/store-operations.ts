import { KvStore } from '@kvs/kv-store';
import type { NodeStats } from '@kvs/node-link';
import { Inject, Injectable } from '@nestjs/common';
import { scanAnswer, type Operations } from './operations.js';

/** Returns the statistics that a node tells proxies and, at `/stats`, everybody. */
export async function statsOf(store: KvStore): Promise<NodeStats> {
  const { pairCount } = await store.stats();
  return { engine: store.engineName, keys: pairCount };
}

/** The operations on this process's own store. */
@Injectable()
export class StoreOperations implements Operations {
  readonly #store: KvStore;

  constructor(@Inject(KvStore) store: KvStore) {
    this.#store = store;
  }

  readonly set: Operations['set'] = (items, partitions) => this.#store.set(items, partitions);

  readonly fetch: Operations['fetch'] = (keys, maxBytes, partitions) =>
    this.#store.fetch(keys, maxBytes, partitions);

  readonly query: Operations['query'] = (keys, partitions) => this.#store.query(keys, partitions);

  readonly delete: Operations['delete'] = (items, partitions) => this.#store.delete(items, partitions);

  readonly scanLines: Operations['scanLines'] = (request) => this.#store.scanJson(request);

  readonly scan: Operations['scan'] = async (request) => scanAnswer(this.scanLines(request));

  readonly stats: Operations['stats'] = () => statsOf(this.#store);
}
