import { Buffer } from 'node:buffer';
import {
  keyId,
  type DeleteItem,
  type DeleteOutcome,
  type FetchOutcome,
  type Key,
  type KeyId,
  type MaybePromise,
  type QueryOutcome,
  type ScanRequest,
  type SetItem,
  type SetOutcome,
} from '@kvs/protocol';
import { MapOperations, until } from '@kvs/protocol/testing';
import type { NodeStats } from '@kvs/router/transport';
import type { NodeOperations } from '../link/node-operations.js';

/** Lets operations that were held go on. */
export type Release = () => void;

/** A store without any cleverness. It answers at once, except for keys that a test holds, and fails if a test says so. */
export class HeldStore implements NodeOperations {
  /** The data of each key, in the order in which operations on it began. */
  readonly began: string[] = [];
  /** Thrown by every operation while set. */
  failure: unknown;
  /** The scans that were requested. */
  readonly scans: ScanRequest[] = [];
  /** How many scans were begun and have not ended. */
  openScans = 0;
  /** The chunks of every scan. Default: the pairs as lines, in one chunk. */
  scanChunks: () => AsyncIterable<Uint8Array> = () => this.#pairs();
  readonly #operations = new MapOperations();
  readonly #held = new Map<KeyId, Promise<void>>();

  /** Operations on this key begin, and are not answered until released. */
  hold(key: Key): Release {
    let release: Release = () => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.#held.set(keyId(key), gate);
    return () => {
      this.#held.delete(keyId(key));
      release();
    };
  }

  /** Resolves when so many operations on single keys have begun. */
  hasBegun(count: number): Promise<void> {
    return until(() => this.began.length >= count);
  }

  set(items: readonly SetItem[]): MaybePromise<readonly SetOutcome[]> {
    return this.#answer(
      items.map(({ key }) => key),
      () => this.#operations.set(items),
    );
  }

  fetch(keys: readonly Key[]): MaybePromise<readonly FetchOutcome[]> {
    return this.#answer(keys, () => this.#operations.fetch(keys));
  }

  query(keys: readonly Key[]): MaybePromise<readonly QueryOutcome[]> {
    return this.#answer(keys, () => this.#operations.query(keys));
  }

  delete(items: readonly DeleteItem[]): MaybePromise<readonly DeleteOutcome[]> {
    return this.#answer(
      items.map(({ key }) => key),
      () => this.#operations.delete(items),
    );
  }

  scanLines(request: ScanRequest): AsyncIterable<Uint8Array> {
    this.scans.push(request);
    if (this.failure !== undefined) throw this.failure;
    return this.#counted(this.scanChunks());
  }

  stats(): NodeStats {
    if (this.failure !== undefined) throw this.failure;
    return { engine: 'held', keys: this.#operations.pairs.size };
  }

  async *#counted(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    this.openScans++;
    try {
      yield* chunks;
    } finally {
      this.openScans--;
    }
  }

  async *#pairs(): AsyncGenerator<Uint8Array> {
    const pairs = [...this.#operations.pairs.values()];
    if (pairs.length === 0) return;
    yield Buffer.from(pairs.map(({ key, value }) => `${JSON.stringify({ key, value })}\n`).join(''));
  }

  #answer<O>(keys: readonly Key[], work: () => MaybePromise<O>): MaybePromise<O> {
    this.began.push(...keys.map(({ data }) => data));
    if (this.failure !== undefined) throw this.failure;
    const gates = keys.map((key) => this.#held.get(keyId(key))).filter((gate) => gate !== undefined);
    return gates.length === 0 ? work() : Promise.all(gates).then(work);
  }
}
