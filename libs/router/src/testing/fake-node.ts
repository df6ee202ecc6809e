import {
  answerTooLarge,
  keyId,
  leastBytes,
  partitionOf,
  type AnswerSize,
  type DeleteItem,
  type DeleteOutcome,
  type Entry,
  type FetchOutcome,
  type ItemFailure,
  type Key,
  type KeyId,
  type QueryOutcome,
  type ScanRequest,
  type SetItem,
  type SetOutcome,
} from '@kvs/protocol';
import type { NodeScan, NodeStats, NodeTransport } from '../node-transport.js';

interface Pair extends Entry {
  readonly key: Key;
}

/** A node in this process: the dumbest store there is, and what is to go wrong with it. */
export class FakeNode implements NodeTransport {
  readonly pairs = new Map<KeyId, Pair>();
  /** The requests that came, such as `set 3` for a batch of three. */
  readonly requests: string[] = [];
  /** The partitions of each scan. */
  readonly scans: (readonly number[] | undefined)[] = [];
  /** How many scans are open. */
  openScans = 0;
  closed = false;
  /** Thrown by every request while set. */
  failure: unknown;
  /** Thrown by the next requests, one each. */
  readonly nextFailures: unknown[] = [];
  /** Thrown by a scan after its first line. */
  scanFailure: unknown;
  readonly #versions = new Map<KeyId, number>();

  async set(items: readonly SetItem[]): Promise<SetOutcome[]> {
    await this.#begin(`set ${items.length}`);
    return items.map(({ key, value, ifVersion }) => {
      const id = keyId(key);
      const refusal = this.#refusal(id, ifVersion);
      if (refusal) return refusal;
      const version = (this.#versions.get(id) ?? 0) + 1;
      this.#versions.set(id, version);
      const created = !this.pairs.has(id);
      this.pairs.set(id, { key, value, version });
      return { ok: true, version, created };
    });
  }

  async fetch(
    keys: readonly Key[],
    _partitions?: readonly number[],
    _epoch?: number,
    size?: AnswerSize,
  ): Promise<FetchOutcome[]> {
    await this.#begin(`fetch ${keys.length}`);
    return keys.map((key) => {
      const pair = this.pairs.get(keyId(key));
      if (pair) size?.add(leastBytes(pair.value));
      if (size?.isExceeded) throw answerTooLarge(size.maxBytes);
      return { ok: true, entry: pair ? { value: pair.value, version: pair.version } : null };
    });
  }

  async query(keys: readonly Key[]): Promise<QueryOutcome[]> {
    await this.#begin(`query ${keys.length}`);
    return keys.map((key) => ({ ok: true, present: this.pairs.has(keyId(key)) }));
  }

  async delete(items: readonly DeleteItem[]): Promise<DeleteOutcome[]> {
    await this.#begin(`delete ${items.length}`);
    return items.map(({ key, ifVersion }) => {
      const id = keyId(key);
      return this.#refusal(id, ifVersion) ?? { ok: true, deleted: this.pairs.delete(id) };
    });
  }

  async scan({ partitions, prefix }: ScanRequest): Promise<NodeScan> {
    await this.#begin('scan');
    this.scans.push(partitions);
    this.openScans++;
    return new FakeScan(this, this.#linesOf(partitions, prefix?.data ?? ''));
  }

  async stats(): Promise<NodeStats> {
    await this.#begin('stats');
    return { engine: 'fake', keys: this.pairs.size };
  }

  close(): void {
    this.closed = true;
  }

  async *#linesOf(partitions: readonly number[] | undefined, prefix: string): AsyncGenerator<Uint8Array> {
    const wanted = partitions && new Set(partitions);
    for (const { key, value } of this.pairs.values()) {
      if (wanted && !wanted.has(partitionOf(key))) continue;
      if (!key.data.startsWith(prefix)) continue;
      yield Buffer.from(`${JSON.stringify({ key, value })}\n`);
      if (this.scanFailure !== undefined) throw this.scanFailure;
    }
  }

  async #begin(request: string): Promise<void> {
    this.requests.push(request);
    const failure = this.failure ?? this.nextFailures.shift();
    await Promise.resolve();
    if (failure !== undefined) throw failure;
  }

  #refusal(id: KeyId, ifVersion: number | undefined): ItemFailure | undefined {
    const version = this.pairs.get(id)?.version ?? 0;
    if (ifVersion === undefined || ifVersion === version) return undefined;
    return { ok: false, code: 'version_mismatch', message: `the version is ${version}` };
  }
}

class FakeScan implements NodeScan {
  #open = true;

  readonly #node: FakeNode;

  constructor(
    node: FakeNode,
    readonly lines: AsyncIterable<Uint8Array>,
  ) {
    this.#node = node;
  }

  close(): void {
    if (this.#open) this.#node.openScans--;
    this.#open = false;
  }
}
