import { KvStore, piecesOf } from '@kvs/kv-store';
import type {
  DeleteItem,
  DeleteOutcome,
  FetchOutcome,
  Key,
  KeyValueOperations,
  MaybePromise,
  PageAnswer,
  PageRequest,
  QueryOutcome,
  ScanAnswer,
  ScanRequest,
  SetItem,
  SetOutcome,
} from '@kvs/protocol';
import { ALL_PARTITIONS, heldPage, MAX_PAGE_BYTES } from '@kvs/protocol';
import { Inject, Injectable } from '@nestjs/common';

/** The operations on this process's own store. */
@Injectable()
export class StoreOperations implements KeyValueOperations {
  constructor(@Inject(KvStore) private readonly store: KvStore) {}

  set(items: readonly SetItem[]): MaybePromise<readonly SetOutcome[]> {
    return this.store.set(items);
  }

  fetch(keys: readonly Key[], maxBytes?: number): MaybePromise<readonly FetchOutcome[]> {
    return this.store.fetch(keys, maxBytes);
  }

  query(keys: readonly Key[]): MaybePromise<readonly QueryOutcome[]> {
    return this.store.query(keys);
  }

  delete(items: readonly DeleteItem[]): MaybePromise<readonly DeleteOutcome[]> {
    return this.store.delete(items);
  }

  async scan(request: ScanRequest): Promise<ScanAnswer> {
    const { format = 'lines' } = request;
    return { missingNodes: [], lines: this.store.scanJson(request), format, close };
  }

  /** Stops at the first pair of a later partition once there are enough, so that the last page is known to be last. */
  async page({ cursor, limit, partitions, ...request }: PageRequest): Promise<PageAnswer> {
    const wanted = (partitions ?? ALL_PARTITIONS).filter((partition) => partition >= cursor);
    const lines: Uint8Array[] = [];
    let pairs = 0;
    let bytes = 0;
    let current = cursor;
    for await (const chunk of this.store.scan({ ...request, partitions: wanted })) {
      const full = pairs >= limit || bytes >= MAX_PAGE_BYTES;
      if (full && chunk.partition !== current) {
        return heldPage(lines, chunk.partition);
      }
      current = chunk.partition;
      pairs += chunk.pairs.length;
      for (const piece of piecesOf(chunk.pairs, request.meta, 'lines')) {
        lines.push(piece);
        bytes += piece.length;
      }
    }
    return heldPage(lines, undefined);
  }
}

function close(): void {
  // A scan of the store holds nothing that must be let go.
}
