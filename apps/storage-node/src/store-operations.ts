import { KvStore } from '@kvs/kv-store';
import type { NodeOperations, NodeStats } from '@kvs/node-link';
import type {
  DeleteItem,
  DeleteOutcome,
  FetchOutcome,
  Key,
  KeyValueOperations,
  MaybePromise,
  PairLines,
  QueryOutcome,
  ScanAnswer,
  ScanRequest,
  SetItem,
  SetOutcome,
} from '@kvs/protocol';
import { Inject, Injectable } from '@nestjs/common';

/** Returns the statistics that a node tells proxies and, at `/stats`, everybody. */
export async function statsOf(store: KvStore): Promise<NodeStats> {
  const { pairCount } = await store.stats();
  return { engine: store.engineName, keys: pairCount };
}

/** The operations on this process's own store. */
@Injectable()
export class StoreOperations implements KeyValueOperations, NodeOperations {
  readonly #store: KvStore;

  constructor(@Inject(KvStore) store: KvStore) {
    this.#store = store;
  }

  set(items: readonly SetItem[], partitions?: readonly number[]): MaybePromise<readonly SetOutcome[]> {
    return this.#store.set(items, partitions);
  }

  fetch(
    keys: readonly Key[],
    maxBytes?: number,
    partitions?: readonly number[],
  ): MaybePromise<readonly FetchOutcome[]> {
    return this.#store.fetch(keys, maxBytes, partitions);
  }

  query(keys: readonly Key[], partitions?: readonly number[]): MaybePromise<readonly QueryOutcome[]> {
    return this.#store.query(keys, partitions);
  }

  delete(
    items: readonly DeleteItem[],
    partitions?: readonly number[],
  ): MaybePromise<readonly DeleteOutcome[]> {
    return this.#store.delete(items, partitions);
  }

  async scan(request: ScanRequest): Promise<ScanAnswer> {
    const { format = 'lines' } = request;
    return { missingNodes: [], lines: this.scanLines(request), format, close };
  }

  scanLines(request: ScanRequest): PairLines {
    return this.#store.scanJson(request);
  }

  stats(): Promise<NodeStats> {
    return statsOf(this.#store);
  }
}

function close(): void {
  // A scan of the store holds nothing that must be let go.
}
