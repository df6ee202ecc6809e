import {
  AnswerSize,
  partitionOf,
  systemTimers,
  type DeleteItem,
  type DeleteOutcome,
  type FetchOutcome,
  type ItemFailure,
  type Key,
  type KeyValueOperations,
  type QueryOutcome,
  type ScanAnswer,
  type ScanRequest,
  type SetItem,
  type SetOutcome,
  type Timers,
} from '@kvs/protocol';
import { describeCluster, type ClusterView } from './cluster-view.js';
import { Failover, type FailoverOptions } from './failover.js';
import type { NodeTally } from './node-tallies.js';
import {
  readFailure,
  TransportError,
  writeFailure,
  type NodeTransport,
  type NodeTransportFactory,
} from './node-transport.js';
import { NodePool, type NodeHandle } from './node-pool.js';
import type { RoutingTable } from './routing-table.js';
import { ClusterScan } from './scan.js';
import { askNode, scatter, type AskNode, type OnFailure, type Outcomes } from './scatter.js';

/** Options of a {@link Router} whose partitions move. */
export interface RouterOptions {
  readonly failover?: FailoverOptions;
  /** Default: those of the system. */
  readonly timers?: Timers;
}

/**
 * The operations over many nodes: each key's partition is served by one node, and only that node is asked. A node that
 * is away fails the items that live on it and no others; it is asked again by the next request, so that it needs no
 * announcement when it is back.
 *
 * If partitions move, items whose node does not serve them, or is away, wait until another node serves them, as
 * {@link Failover} says.
 */
export class Router implements KeyValueOperations {
  readonly #pool: NodePool;
  readonly #failover: Failover | undefined;
  readonly #timers: Timers;

  /** @throws TypeError when the table names a node that is none of its nodes */
  constructor(table: RoutingTable, connect: NodeTransportFactory, options: RouterOptions = {}) {
    const { timers = systemTimers, failover } = options;
    this.#timers = timers;
    // The pool hears of a change before the failover does, so that requests whose waits it ends find the new nodes.
    this.#pool = new NodePool(table, connect, timers);
    this.#failover = table.changes && new Failover(table.changes, timers, failover);
  }

  set(items: readonly SetItem[]): Promise<readonly SetOutcome[]> {
    return this.#write(
      items,
      ({ key, value }) => key.data.length + value.data.length,
      (node, share, partitions) => counted(node).set(share, partitions, this.#pool.epochOf(partitions)),
    );
  }

  delete(items: readonly DeleteItem[]): Promise<readonly DeleteOutcome[]> {
    return this.#write(
      items,
      ({ key }) => key.data.length,
      (node, share, partitions) => counted(node).delete(share, partitions, this.#pool.epochOf(partitions)),
    );
  }

  fetch(keys: readonly Key[], maxBytes = Infinity): Promise<readonly FetchOutcome[]> {
    // A value alone is held to a limit of its own.
    const size = keys.length > 1 ? new AnswerSize(maxBytes) : undefined;
    return this.#read(keys, (node, share, partitions) =>
      counted(node).fetch(share, partitions, this.#pool.epochOf(partitions), size),
    );
  }

  query(keys: readonly Key[]): Promise<readonly QueryOutcome[]> {
    return this.#read(keys, (node, share, partitions) =>
      counted(node).query(share, partitions, this.#pool.epochOf(partitions)),
    );
  }

  scan({ partial, ...request }: ScanRequest & { readonly partial: boolean }): Promise<ScanAnswer> {
    return new ClusterScan(request, this.#pool, this.#failover).open(partial);
  }

  /** Asks all nodes for their statistics now. */
  cluster(): Promise<ClusterView> {
    const owned = new Map(
      this.#pool.sharesOf().map(({ node, partitions }) => [node.address, partitions.length]),
    );
    return describeCluster(this.#pool.nodes, (address) => owned.get(address) ?? 0, this.#timers);
  }

  /** Whether any node that serves partitions answers: known as soon as one does, however long the others take. */
  async isReachable(): Promise<boolean> {
    const answers = this.#pool.sharesOf().map(async ({ node }) => node.transport.stats());
    try {
      await Promise.any(answers);
      return true;
    } catch (error) {
      const reasons: unknown[] = error instanceof AggregateError ? error.errors : [error];
      const defect = reasons.find((reason) => !(reason instanceof TransportError));
      if (defect !== undefined) throw defect;
      return false;
    }
  }

  /** Returns the counts of calls of data operations to each node, and of their failures, since the start. */
  callsByNode(): readonly NodeTally[] {
    return this.#pool.nodes.map(({ address, counter }) => counter.tally(address));
  }

  close(): void {
    this.#failover?.close();
    this.#pool.close();
  }

  /**
   * Reads are tried again once when the connection broke, as a kept-alive one may while a node restarts. A node that
   * refuses connections or does not answer in time would only do so again.
   */
  #read<O extends { readonly ok: true } | ItemFailure>(
    keys: readonly Key[],
    ask: AskNode<NodeHandle, Key, O>,
  ): Promise<Outcomes<O>> {
    const failed: OnFailure<NodeHandle, Key, O> = (node, share, partitions, error) => {
      if (!isBroken(error)) return failReads(node, share, partitions, error);
      node.counter.failed(error);
      return askNode(node, share, partitions, ask, failReads);
    };
    const attempt = (some: readonly Key[]) =>
      scatter(some, some.map(partitionOf), this.#pool.of, ask, failed);
    if (this.#failover === undefined) return attempt(keys);
    return this.#failover.settle({
      items: keys,
      keyOf: (key) => key,
      bytesOf: ({ data }) => data.length,
      isWrite: false,
      attempt,
    });
  }

  /** Writes that a node may have applied are never tried again, and the client is told so. */
  #write<T extends { readonly key: Key }, O extends { readonly ok: true } | ItemFailure>(
    items: readonly T[],
    bytesOf: (item: T) => number,
    ask: AskNode<NodeHandle, T, O>,
  ): Promise<Outcomes<O>> {
    const attempt = (some: readonly T[]) => {
      const partitions = some.map(({ key }) => partitionOf(key));
      return scatter(some, partitions, this.#pool.of, ask, failWrites);
    };
    if (this.#failover === undefined) return attempt(items);
    return this.#failover.settle({ items, keyOf: ({ key }) => key, bytesOf, isWrite: true, attempt });
  }
}

/** The way to a node, for one call. */
function counted({ transport, counter }: NodeHandle): NodeTransport {
  counter.calls++;
  return transport;
}

function isBroken(error: unknown): boolean {
  return error instanceof TransportError && error.failure === 'broken';
}

/** Counts the failure of a call, and gives it to each item. Throws what is no failure to reach the node: a defect. */
function failItems(failureOf: typeof readFailure): OnFailure<NodeHandle, unknown, never> {
  return ({ address, counter }, share, _partitions, error) => {
    counter.failed(error);
    if (!(error instanceof TransportError)) throw error;
    return new Array<ItemFailure>(share.length).fill(failureOf(address, error));
  };
}

const failReads = failItems(readFailure);
const failWrites = failItems(writeFailure);
