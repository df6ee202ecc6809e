import {
  ALL_PARTITIONS,
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
import { ScanStoppedError, type NodeScan, type NodeStats, type NodeTransport } from '../node-transport.js';

interface Pair extends Entry {
  readonly key: Key;
}

/** A node in this process: the dumbest store there is, and what is to go wrong with it. */
export class FakeNode implements NodeTransport {
  readonly pairs = new Map<KeyId, Pair>();
  /** The requests that came, such as `set 3` for a batch of three. */
  readonly requests: string[] = [];
  /** The epoch of each batch and scan. */
  readonly epochs: number[] = [];
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
  readonly #serves: (partition: number) => boolean;

  /** @param serves whether the node serves a partition. Default: it does */
  constructor(serves: (partition: number) => boolean = () => true) {
    this.#serves = serves;
  }

  async set(
    items: readonly SetItem[],
    _partitions?: readonly number[],
    epoch?: number,
  ): Promise<SetOutcome[]> {
    await this.#begin(`set ${items.length}`, epoch);
    return items.map(({ key, value, ifVersion }) => {
      if (!this.#serves(partitionOf(key))) return WRONG_NODE;
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
    epoch?: number,
    size?: AnswerSize,
  ): Promise<FetchOutcome[]> {
    await this.#begin(`fetch ${keys.length}`, epoch);
    return keys.map((key) => {
      if (!this.#serves(partitionOf(key))) return WRONG_NODE;
      const pair = this.pairs.get(keyId(key));
      if (pair) size?.add(leastBytes(pair.value));
      if (size?.isExceeded) throw answerTooLarge(size.maxBytes);
      return { ok: true, entry: pair ? { value: pair.value, version: pair.version } : null };
    });
  }

  async query(
    keys: readonly Key[],
    _partitions?: readonly number[],
    epoch?: number,
  ): Promise<QueryOutcome[]> {
    await this.#begin(`query ${keys.length}`, epoch);
    return keys.map((key) =>
      this.#serves(partitionOf(key)) ? { ok: true, present: this.pairs.has(keyId(key)) } : WRONG_NODE,
    );
  }

  async delete(
    items: readonly DeleteItem[],
    _partitions?: readonly number[],
    epoch?: number,
  ): Promise<DeleteOutcome[]> {
    await this.#begin(`delete ${items.length}`, epoch);
    return items.map(({ key, ifVersion }) => {
      if (!this.#serves(partitionOf(key))) return WRONG_NODE;
      const id = keyId(key);
      return this.#refusal(id, ifVersion) ?? { ok: true, deleted: this.pairs.delete(id) };
    });
  }

  async scan({ partitions, prefix }: ScanRequest, epoch?: number): Promise<NodeScan> {
    await this.#begin('scan', epoch);
    this.scans.push(partitions);
    const [first] = partitions ?? [];
    if (first !== undefined && !this.#serves(first)) throw new ScanStoppedError(first, 'not served');
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
    const pairs = [...this.pairs.values()].map((pair) => ({ ...pair, partition: partitionOf(pair.key) }));
    for (const partition of partitions ?? ALL_PARTITIONS) {
      if (!this.#serves(partition)) throw new ScanStoppedError(partition, 'not served');
      for (const { key, value } of pairs.filter((pair) => pair.partition === partition)) {
        if (!key.data.startsWith(prefix)) continue;
        yield Buffer.from(`${JSON.stringify({ key, value })}\n`);
        if (this.scanFailure !== undefined) throw this.scanFailure;
      }
    }
  }

  async #begin(request: string, epoch?: number): Promise<void> {
    this.requests.push(request);
    if (epoch !== undefined) this.epochs.push(epoch);
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

const WRONG_NODE: ItemFailure = { ok: false, code: 'wrong_node', message: 'not served' };

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
