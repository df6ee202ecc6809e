import { KvStore, piecesOf, type StoreChunk } from '@kvs/kv-store';
import type { NodeOperations, NodeStats } from '@kvs/node-link';
import type {
  DeleteItem,
  DeleteOutcome,
  FetchOutcome,
  Key,
  KeyValueOperations,
  MaybePromise,
  PageAnswer,
  PageRequest,
  PairLines,
  QueryOutcome,
  ScanAnswer,
  ScanRequest,
  SetItem,
  SetOutcome,
} from '@kvs/protocol';
import { ALL_PARTITIONS, MAX_PAGE_BYTES, pageAnswer } from '@kvs/protocol';
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

  /**
   * Stops at the first pair of a later partition once there are enough, so that the last page is known to be last. When
   * there are many bytes and still more of the same partition, the page ends with that, and its rest is passed on as it
   * is read.
   */
  async page({ cursor, limit, partitions, ...request }: PageRequest): Promise<PageAnswer> {
    const wanted = (partitions ?? ALL_PARTITIONS).filter((partition) => partition >= cursor);
    const chunks = this.#store.scan({ ...request, partitions: wanted })[Symbol.asyncIterator]();
    const held: Uint8Array[] = [];
    let pairs = 0;
    let bytes = 0;
    let current = cursor;
    for (let step = await chunks.next(); step.done !== true; step = await chunks.next()) {
      const { partition, pairs: found } = step.value;
      const hasManyBytes = bytes >= MAX_PAGE_BYTES;
      if ((hasManyBytes || pairs >= limit) && partition !== current) {
        await chunks.return?.();
        return pageAnswer(held, partition);
      }
      current = partition;
      pairs += found.length;
      for (const piece of piecesOf(found, request.meta, 'lines')) {
        held.push(piece);
        bytes += piece.length;
      }
      if (hasManyBytes) {
        const lines = restOfPartition(partition, chunks, request.meta);
        const next = wanted.find((other) => other > partition);
        return pageAnswer(held, next, { rest: { lines, close } });
      }
    }
    return pageAnswer(held, undefined);
  }
}

async function* restOfPartition(
  partition: number,
  chunks: AsyncIterator<StoreChunk>,
  meta: boolean,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of { [Symbol.asyncIterator]: () => chunks }) {
    if (chunk.partition !== partition) return;
    yield* piecesOf(chunk.pairs, meta, 'lines');
  }
}

function close(): void {
  // A scan of the store holds nothing that must be let go.
}
