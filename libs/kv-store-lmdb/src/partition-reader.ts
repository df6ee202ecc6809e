import { isExpired, ScanChunkBuilder, type EngineEntry, type EnginePair } from '@kvs/kv-store';
import type { Database } from 'lmdb';
import { idFromBytes, isLong, partitionEnd, prefixStart } from './key-codec.js';
import { emptyEntry, recordEntry, recordHead, recordKey } from './record.js';

/**
 * Reads one partition in chunks, each in its own read transaction. A transaction that waits for a slow caller would
 * keep the whole file as it was, with its free pages. The reader goes through the keys in their order, so no key
 * comes twice. It ends at the key that was the last when it read the first chunk, so new keys do not prolong it.
 */
export class PartitionReader {
  #start: Buffer;
  #last: Buffer | undefined;
  #isDone = false;

  readonly #pairs: Database<Buffer, Buffer>;
  readonly #partition: number;
  readonly #idPrefix: string;
  readonly #entryOf: (record: Buffer) => EngineEntry;

  /** @param values whether the pairs have their values; otherwise they have empty ones */
  constructor(pairs: Database<Buffer, Buffer>, partition: number, idPrefix: string, values = true) {
    this.#pairs = pairs;
    this.#partition = partition;
    this.#idPrefix = idPrefix;
    this.#entryOf = values ? recordEntry : emptyEntry;
    this.#start = prefixStart(partition, idPrefix);
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  /** Returns the pairs of the next chunk, which may be empty. */
  nextChunk(nowMicros: number): EnginePair[] {
    this.#last ??= this.#findLast();
    const chunk = new ScanChunkBuilder();
    if (this.#last === undefined) this.#isDone = true;
    else this.#fill(chunk, this.#last, nowMicros);
    return chunk.pairs;
  }

  #fill(chunk: ScanChunkBuilder, last: Buffer, nowMicros: number): void {
    let examined = 0;
    for (const { key, value } of this.#pairs.getRange({ start: this.#start, end: successor(last) })) {
      this.#start = successor(key);
      if (!isExpired(recordHead(value).expiresAtMs, nowMicros)) {
        const id = isLong(key) ? recordKey(value) : idFromBytes(Buffer.from(key.subarray(2)));
        if (id?.startsWith(this.#idPrefix)) chunk.add({ id, ...this.#entryOf(value) });
      }
      examined += 1;
      if (chunk.isFull || examined === MAX_EXAMINED) return;
    }
    this.#isDone = true;
  }

  #findLast(): Buffer | undefined {
    const end = this.#idPrefix === '' ? partitionEnd(this.#partition) : afterPrefix(this.#start);
    const [last] = this.#pairs.getKeys({ start: end, reverse: true, limit: 1 });
    if (last === undefined || last.compare(this.#start) < 0) return undefined;
    return Buffer.from(last);
  }
}

/** How many pairs one step examines if few or none match. */
const MAX_EXAMINED = 4000;

function successor(key: Buffer): Buffer {
  return Buffer.concat([key, Buffer.of(0)]);
}

/** Comes after all keys that start with this, because no key has that many bytes 0xff. */
function afterPrefix(prefix: Buffer): Buffer {
  return Buffer.concat([prefix, Buffer.alloc(1000 - Math.min(prefix.length, 999), 0xff)]);
}
