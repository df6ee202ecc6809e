import { KvStore, type StoreChunk } from '@kvs/kv-store';
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
  WirePair,
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

  fetch(keys: readonly Key[]): MaybePromise<readonly FetchOutcome[]> {
    return this.store.fetch(keys);
  }

  query(keys: readonly Key[]): MaybePromise<readonly QueryOutcome[]> {
    return this.store.query(keys);
  }

  delete(items: readonly DeleteItem[]): MaybePromise<readonly DeleteOutcome[]> {
    return this.store.delete(items);
  }

  async scan(request: ScanRequest): Promise<ScanAnswer> {
    return { missingNodes: [], lines: linesOf(this.store.scan(request), request.meta), close };
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
      for (const piece of encode(chunk, request.meta)) {
        lines.push(piece);
        bytes += piece.length;
      }
    }
    return heldPage(lines, undefined);
  }
}

/** About how many bytes of lines are joined into one piece before they are handed on. */
const PIECE_BYTES = 64 * 1024;

function close(): void {
  // A scan of the store holds nothing that must be let go.
}

async function* linesOf(chunks: AsyncIterable<StoreChunk>, meta: boolean): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) yield* encode(chunk, meta);
}

function* encode({ pairs }: StoreChunk, meta: boolean): Generator<Uint8Array> {
  let text = '';
  for (const { key, value, version, ttlMs } of pairs) {
    const pair: WirePair = {
      key,
      value,
      ...(meta ? { version } : undefined),
      ...(meta && ttlMs !== undefined ? { ttl_ms: ttlMs } : undefined),
    };
    text += `${JSON.stringify(pair)}\n`;
    if (text.length < PIECE_BYTES) continue;
    yield Buffer.from(text);
    text = '';
  }
  if (text !== '') yield Buffer.from(text);
}
