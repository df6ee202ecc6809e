import { HashRing } from '@kvs/hash-ring';
import {
  ALL_PARTITIONS,
  AnswerSize,
  KvsError,
  NodesUnavailableError,
  PARTITION_COUNT,
  partitionOf,
  type DeleteItem,
  type DeleteOutcome,
  type FetchOutcome,
  type ItemFailure,
  type Key,
  type KeyValueOperations,
  type PairFormat,
  type QueryOutcome,
  type ScanAnswer,
  type ScanRequest,
  type SetItem,
  type SetOutcome,
} from '@kvs/protocol';
import { describeCluster, type ClusterView } from './cluster-view.js';
import { interleave } from './interleave.js';
import { CallCounter, type NodeTally } from './node-tallies.js';
import {
  readFailure,
  TransportError,
  writeFailure,
  type NodeScan,
  type NodeTransport,
  type NodeTransportFactory,
} from './node-transport.js';
import { askNode, scatter, type AskNode, type Outcomes, type Split } from './scatter.js';

/**
 * The operations over many nodes: each key's partition belongs to one node, and only that node is asked. A node that
 * is away fails the items that live on it and no others; it is asked again by the next request, so that it needs no
 * announcement when it is back.
 */
export class Router implements KeyValueOperations {
  readonly #nodes: ReadonlyMap<string, Route>;
  /** Where each partition is: the ring and the transports stay as they are. */
  readonly #routes: readonly Route[];

  readonly #ring: HashRing<object>;

  /**
   * @param addresses the nodes as `host:port`, each once
   * @throws TypeError when the ring has others
   */
  constructor(addresses: readonly string[], connect: NodeTransportFactory, ring = new HashRing(addresses)) {
    this.#ring = ring;

    this.#nodes = new Map(
      addresses.map((node) => [node, { node, transport: connect(node), counter: new CallCounter() }]),
    );
    this.#routes = ALL_PARTITIONS.map((partition) => {
      const node = ring.owner(partition).id;
      const route = this.#nodes.get(node);
      if (route === undefined) throw new TypeError(`the ring names ${node}, which has no transport`);
      return route;
    });
  }

  set(items: readonly SetItem[]): Promise<readonly SetOutcome[]> {
    return this.#write(items, (route, share, partitions) => counted(route).set(share, partitions, 0));
  }

  delete(items: readonly DeleteItem[]): Promise<readonly DeleteOutcome[]> {
    return this.#write(items, (route, share, partitions) => counted(route).delete(share, partitions, 0));
  }

  fetch(keys: readonly Key[], maxBytes = Infinity): Promise<readonly FetchOutcome[]> {
    // A value alone is held to a limit of its own.
    const size = keys.length > 1 ? new AnswerSize(maxBytes) : undefined;
    return this.#read(keys, (route, share, partitions) => counted(route).fetch(share, partitions, 0, size));
  }

  query(keys: readonly Key[]): Promise<readonly QueryOutcome[]> {
    return this.#read(keys, (route, share, partitions) => counted(route).query(share, partitions, 0));
  }

  async scan(request: ScanRequest & { readonly partial: boolean }): Promise<ScanAnswer> {
    const openings = await Promise.all(
      this.#sharesOf(request.partitions).map((share) => open(share, request)),
    );
    const scans = openings.filter((opening) => 'scan' in opening);
    const close = (): void => {
      for (const { scan } of scans) scan.close();
    };
    const failures = openings.filter((opening) => 'error' in opening);
    const missingNodes = failures.map(({ route }) => route.node);
    const defect = failures.find(({ error }) => !(error instanceof TransportError));
    if (defect !== undefined || (failures.length > 0 && !request.partial)) {
      close();
      throw defect?.error ?? scanFailure(failures);
    }
    return { missingNodes, lines: interleave(scans.map(named)), format: formatOf(scans), close };
  }

  /** Asks all nodes for their statistics now. */
  cluster(): Promise<ClusterView> {
    return describeCluster(
      [...this.#nodes.values()],
      (node) => this.#ring.partitionsOf(node).length,
      PARTITION_COUNT,
    );
  }

  /** Whether any node answers: known as soon as one does, however long the others take. */
  async isReachable(): Promise<boolean> {
    const answers = Array.from(this.#nodes.values(), async ({ transport }) => transport.stats());
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
    return Array.from(this.#nodes.values(), ({ node, counter }) => counter.tally(node));
  }

  close(): void {
    for (const { transport } of this.#nodes.values()) transport.close();
  }

  /**
   * Reads are tried again once when the connection broke, as a kept-alive one may while a node restarts. A node that
   * refuses connections or does not answer in time would only do so again.
   */
  #read<O>(keys: readonly Key[], ask: AskNode<Route, Key, O>): Promise<Outcomes<O>> {
    return scatter(keys, this.#byKey, ask, (route, share, partitions, error) => {
      if (!isBroken(error)) return failReads(route, share, partitions, error);
      route.counter.failed(error);
      return askNode(route, share, partitions, ask, failReads);
    });
  }

  /** Writes are never tried again: the node may have applied them, and the client is told so. */
  #write<T extends { readonly key: Key }, O>(
    items: readonly T[],
    ask: AskNode<Route, T, O>,
  ): Promise<Outcomes<O>> {
    return scatter(items, this.#byItem, ask, failWrites);
  }

  /** Each node that owns some of the partitions, with those. */
  #sharesOf(partitions: readonly number[] | undefined): NodeShare[] {
    const wanted = partitions && new Set(partitions);
    return Array.from(this.#nodes.values(), (route) => {
      const owned = this.#ring.partitionsOf(route.node);
      return {
        route,
        partitions: wanted ? owned.filter((partition) => wanted.has(partition)) : owned,
      };
    }).filter((share) => share.partitions.length > 0);
  }

  readonly #routeOf = (partition: number): Route => {
    const route = this.#routes[partition];
    if (route === undefined) throw new TypeError(`there is no partition ${partition}`);
    return route;
  };

  readonly #byKey: Split<Route, Key> = { partitionOf, nodeOf: this.#routeOf };
  readonly #byItem: Split<Route, { readonly key: Key }> = {
    partitionOf: ({ key }) => partitionOf(key),
    nodeOf: this.#routeOf,
  };
}

/** Where a key lives, and the way there. */
interface Route {
  readonly node: string;
  readonly transport: NodeTransport;
  readonly counter: CallCounter;
}

/** The way to a node, for one call. */
function counted({ transport, counter }: Route): NodeTransport {
  counter.calls++;
  return transport;
}

function isBroken(error: unknown): boolean {
  return error instanceof TransportError && error.failure === 'broken';
}

function failReads(
  route: Route,
  share: readonly unknown[],
  _partitions: unknown,
  error: unknown,
): ItemFailure[] {
  const failure = readFailure(route.node, reachError(route, error));
  return share.map(() => failure);
}

function failWrites(
  route: Route,
  share: readonly unknown[],
  _partitions: unknown,
  error: unknown,
): ItemFailure[] {
  const failure = writeFailure(route.node, reachError(route, error));
  return share.map(() => failure);
}

/** @throws what is no failure to reach the node: a defect */
function reachError({ counter }: Route, error: unknown): TransportError {
  counter.failed(error);
  if (!(error instanceof TransportError)) throw error;
  return error;
}

interface NodeShare {
  readonly route: Route;
  readonly partitions: readonly number[];
}

interface OpenScan {
  readonly route: Route;
  readonly scan: NodeScan;
}

type Opening = OpenScan | FailedOpening;

interface FailedOpening {
  readonly route: Route;
  readonly error: unknown;
}

async function open({ route, partitions }: NodeShare, request: ScanRequest): Promise<Opening> {
  try {
    return { route, scan: await counted(route).scan({ ...request, partitions }, 0) };
  } catch (error) {
    route.counter.failed(error);
    return { route, error };
  }
}

/** Why a scan fails of which some nodes can't be opened. */
function scanFailure(failures: readonly FailedOpening[]): KvsError {
  const loop = failures.find(({ error }) => error instanceof TransportError && error.failure === 'loop');
  if (loop === undefined) return new NodesUnavailableError(failures.map(({ route }) => route.node));
  return new KvsError('loop_detected', `${loop.route.node} is a proxy, not a storage node`);
}

/** Texts of different formats can't be joined. */
function formatOf(scans: readonly OpenScan[]): PairFormat {
  const [format = 'lines', ...others] = new Set(scans.map(({ scan }) => scan.format ?? 'lines'));
  if (others.length > 0) throw new TypeError('the transports to the nodes give different formats');
  return format;
}

/** A node's lines, which say whose they are when they break off. */
async function* named({ route, scan }: OpenScan): AsyncGenerator<Uint8Array> {
  try {
    yield* scan.lines;
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    throw new NodesUnavailableError([route.node], { cause: error });
  }
}
