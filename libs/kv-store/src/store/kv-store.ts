import {
  ALL_PARTITIONS,
  brandKey,
  keyFromId,
  keyId,
  KvsError,
  whenDone,
  type DeleteItem,
  type DeleteOutcome,
  type FetchOutcome,
  type Key,
  type KeyValueOperations,
  type MaybePromise,
  type QueryOutcome,
  type ScanRequest,
  type SetItem,
  type SetOutcome,
  type Value,
} from '@kvs/protocol';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { systemClock, type Clock } from '../clock.js';
import type { EngineChunk } from '../engine/engine-data.js';
import type { EngineStats, StorageEngine } from '../engine/storage-engine.js';
import { KVS_CLOCK, STORAGE_ENGINE } from '../tokens.js';
import { checkDeleteItems, checkPartitions, checkSetItems } from './arguments.js';
import { engineDelete, engineKeys, engineWrite } from './engine-items.js';
import { jsonChunks } from './json-chunks.js';
import { deleteOutcome, fetchOutcome, liveEntry, queryOutcome, setOutcome } from './outcomes.js';
import type { StoreChunk } from './store-chunk.js';

/** Which pairs a scan is about. */
export type StoreScanRequest = Pick<ScanRequest, 'prefix' | 'partitions'>;
/** Which pairs a scan is about, and how they are written. */
export type StoreJsonRequest = StoreScanRequest & Pick<ScanRequest, 'meta' | 'values' | 'format'>;

/**
 * The pairs of this process, for all callers. The store computes partitions, checks arguments, and turns times to live
 * into deadlines and the answers of the engine into outcomes. The engine does the rest.
 *
 * A method answers at once if the engine does. The failure of an item is its outcome. A method throws, or rejects with, a
 * `KvsError` only if it did nothing at all: `engine_unavailable`, `not_ready` (from an engine that is still opening),
 * `answer_too_large` (only `fetch`), or `shutting_down` after {@link close}. Invalid times to live, versions and partitions
 * throw a `TypeError` or `RangeError` and change nothing. Keys and values are not checked again: they must be made by the
 * functions and guards of `@kvs/protocol`.
 */
@Injectable()
export class KvStore
  implements Pick<KeyValueOperations, 'set' | 'fetch' | 'query' | 'delete'>, OnApplicationShutdown
{
  readonly #engine: StorageEngine;
  readonly #clock: Clock;
  #closing: Promise<void> | undefined;

  /** @param clock the clock of the engine */
  constructor(@Inject(STORAGE_ENGINE) engine: StorageEngine, @Inject(KVS_CLOCK) clock: Clock = systemClock) {
    this.#engine = engine;
    this.#clock = clock;
  }

  /** The name of the engine, such as `memory`. */
  get engineName(): string {
    return this.#engine.name;
  }

  /**
   * Stores pairs, those of one key in order. An item's outcome is its new version, or why it was not stored.
   *
   * @param partitions of the keys, as `partitionOf` computes them; computed here if they are left out
   */
  set(items: readonly SetItem[], partitions?: readonly number[]): MaybePromise<readonly SetOutcome[]> {
    this.#assertOpen();
    checkSetItems(items);
    const answer = this.#engine.setMany(
      items.map((item, i) => engineWrite(item, partitions?.[i], this.#clock)),
    );
    return whenDone(answer, (outcomes) => outcomes.map(setOutcome));
  }

  /**
   * Reads values, versions and times left. The outcome of an absent key has the entry null.
   *
   * @param maxBytes the limit of the values' bytes. Reading stops at it. Default: no limit
   * @param partitions as for {@link set}
   * @throws KvsError `answer_too_large`
   */
  fetch(
    keys: readonly Key[],
    maxBytes?: number,
    partitions?: readonly number[],
  ): MaybePromise<readonly FetchOutcome[]> {
    this.#assertOpen();
    const answer = this.#engine.getMany(engineKeys(keys, partitions), maxBytes);
    return whenDone(answer, (outcomes) => outcomes.map((outcome) => fetchOutcome(outcome, this.#clock)));
  }

  /**
   * Says which keys are present.
   *
   * @param partitions as for {@link set}
   */
  query(keys: readonly Key[], partitions?: readonly number[]): MaybePromise<readonly QueryOutcome[]> {
    this.#assertOpen();
    const answer = this.#engine.hasMany(engineKeys(keys, partitions));
    return whenDone(answer, (outcomes) => outcomes.map(queryOutcome));
  }

  /**
   * Deletes pairs, those of one key in order. The outcome says whether there was a pair.
   *
   * @param partitions as for {@link set}
   */
  delete(
    items: readonly DeleteItem[],
    partitions?: readonly number[],
  ): MaybePromise<readonly DeleteOutcome[]> {
    this.#assertOpen();
    checkDeleteItems(items);
    const answer = this.#engine.deleteMany(items.map((item, i) => engineDelete(item, partitions?.[i])));
    return whenDone(answer, (outcomes) => outcomes.map(deleteOutcome));
  }

  /**
   * Yields the pairs of some or all partitions, in ascending order of partitions, in chunks of bounded size. Each chunk
   * has pairs of one partition; it is empty if the engine looked for a while and found none. A pair that exists during the
   * whole scan comes exactly once, and no key comes twice, whatever is written meanwhile. A scan throws if it can't be
   * completed, for example because the store is closed.
   */
  scan({ prefix, partitions = ALL_PARTITIONS }: StoreScanRequest = {}): AsyncIterable<StoreChunk> {
    this.#assertOpen();
    checkPartitions(partitions);
    return this.#storeChunks(this.#engine.scan(partitions, prefix && { idPrefix: idPrefix(prefix) }));
  }

  /** As {@link scan}, but yields JSON text, in chunks that may end anywhere and may be empty. */
  scanJson({
    prefix,
    partitions = ALL_PARTITIONS,
    meta,
    values = true,
    format = 'lines',
  }: StoreJsonRequest): AsyncIterable<Uint8Array> {
    this.#assertOpen();
    checkPartitions(partitions);
    const options = { meta, values, format, ...(prefix && { idPrefix: idPrefix(prefix) }) };
    return (
      this.#engine.scanJson?.(partitions, options) ??
      jsonChunks(this.#storeChunks(this.#engine.scan(partitions, options)), options)
    );
  }

  /** Returns the counts of the engine: pairs, partitions, and others that it has. */
  stats(): MaybePromise<EngineStats> {
    this.#assertOpen();
    return this.#engine.stats();
  }

  /** Closes the engine, which first finishes all operations in flight except scans. Later calls return the same promise. */
  close(): Promise<void> {
    return (this.#closing ??= this.#closeEngine());
  }

  /** Nest calls this after the servers stopped, so that requests in flight still find the store open. */
  onApplicationShutdown(): Promise<void> {
    return this.close();
  }

  async *#storeChunks(engineChunks: AsyncIterable<EngineChunk>): AsyncGenerator<StoreChunk, void, undefined> {
    for await (const { partition, pairs } of engineChunks) {
      const live = pairs.flatMap(({ id, ...entry }) => {
        const stored = liveEntry(entry, this.#clock);
        return stored === null ? [] : [{ key: keyFromId(id), ...stored }];
      });
      yield { partition, pairs: live };
    }
  }

  async #closeEngine(): Promise<void> {
    await this.#engine.close();
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new KvsError('shutting_down', 'the store is closed');
  }
}

/** Returns how the ids of all keys with this prefix begin: with the tag of the encoding, and then the data. */
function idPrefix(prefix: Value): string {
  return keyId(brandKey(prefix));
}
