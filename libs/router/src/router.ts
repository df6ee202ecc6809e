import { HashRing, partitionOf } from '@kvs/hash-ring';
import {
  NodesUnavailableError,
  PARTITION_COUNT,
  placementInput,
  type DeleteItem,
  type DeleteOutcome,
  type FetchOutcome,
  type ItemFailure,
  type Key,
  type KeyValueOperations,
  type PairFormat,
  type PageAnswer,
  type PageRequest,
  type QueryOutcome,
  type ScanAnswer,
  type ScanRequest,
  type SetItem,
  type SetOutcome,
} from '@kvs/protocol';
import { describeCluster, type ClusterView } from './cluster-view.js';
import { interleave } from './interleave.js';
import { NodeTallies, type NodeTally } from './node-tallies.js';
import {
  TransportError,
  type NodeScan,
  type NodeTransport,
  type NodeTransportFactory,
} from './node-transport.js';
import { collectPage } from './page.js';
import { scatter } from './scatter.js';

/**
 * The operations over many nodes: each key's partition belongs to one node, and only that node is asked. A node that
 * is away fails the items that live on it and no others; it is asked again by the next request, so that it needs no
 * announcement when it is back.
 */
export class Router implements KeyValueOperations {
  private readonly transports: ReadonlyMap<string, NodeTransport>;
  private readonly tallies: NodeTallies;

  /** @param addresses the nodes as `host:port`, each once */
  constructor(
    addresses: readonly string[],
    connect: NodeTransportFactory,
    private readonly ring = new HashRing(addresses),
  ) {
    this.tallies = new NodeTallies(addresses);
    this.transports = new Map(addresses.map((address) => [address, connect(address)]));
  }

  set(items: readonly SetItem[]): Promise<readonly SetOutcome[]> {
    return this.write(items, (transport, share) => transport.set(share));
  }

  delete(items: readonly DeleteItem[]): Promise<readonly DeleteOutcome[]> {
    return this.write(items, (transport, share) => transport.delete(share));
  }

  fetch(keys: readonly Key[]): Promise<readonly FetchOutcome[]> {
    return this.read(keys, (transport, share) => transport.fetch(share));
  }

  query(keys: readonly Key[]): Promise<readonly QueryOutcome[]> {
    return this.read(keys, (transport, share) => transport.query(share));
  }

  async scan(request: ScanRequest & { readonly partial: boolean }): Promise<ScanAnswer> {
    const openings = await Promise.all(
      this.sharesOf(request.partitions).map((share) =>
        open(share.node, () => this.tallies.count(share.node, () => scanOf(share, request))),
      ),
    );
    const scans = openings.filter((opening) => 'scan' in opening);
    const close = (): void => {
      for (const { scan } of scans) scan.close();
    };
    const failures = openings.filter((opening) => 'error' in opening);
    const missingNodes = failures.map(({ node }) => node);
    const defect = failures.find(({ error }) => !(error instanceof TransportError));
    if (defect !== undefined || (failures.length > 0 && !request.partial)) {
      close();
      throw defect?.error ?? new NodesUnavailableError(missingNodes);
    }
    return { missingNodes, lines: interleave(scans.map(named)), format: formatOf(scans), close };
  }

  page(request: PageRequest): Promise<PageAnswer> {
    return collectPage(request, (window) => this.scan(window));
  }

  /** What the nodes say of themselves, asked now. */
  cluster(): Promise<ClusterView> {
    return describeCluster(this.transports, (node) => this.ring.partitionsOf(node).length, PARTITION_COUNT);
  }

  /** Whether any node answers: known as soon as one does, however long the others take. */
  async isReachable(): Promise<boolean> {
    const answers = Array.from(this.transports.values(), async (transport) => transport.stats());
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

  /** What became of the data operations' calls to each node, since this router was made. */
  callsByNode(): readonly NodeTally[] {
    return this.tallies.list();
  }

  close(): void {
    for (const transport of this.transports.values()) transport.close();
  }

  /**
   * Reads are tried again once when the connection broke, as a kept-alive one may while a node restarts. A node that
   * refuses connections or does not answer in time would only do so again.
   */
  private read<O>(keys: readonly Key[], ask: Ask<Key, O>): Promise<(O | ItemFailure)[]> {
    const askTwice = async (node: string, share: readonly Key[]) => {
      try {
        return await this.ask(node, share, ask);
      } catch (error) {
        if (error instanceof TransportError && error.failure === 'broken') return this.ask(node, share, ask);
        throw error;
      }
    };
    return scatter(
      keys,
      (key) => this.nodeOf(key),
      async (node, share) => {
        try {
          return await askTwice(node, share);
        } catch (error) {
          const failure = unavailable(node, error);
          return share.map(() => failure);
        }
      },
    );
  }

  /** Writes are never tried again: the node may have applied them, and the client is told so. */
  private write<T extends { readonly key: Key }, O>(
    items: readonly T[],
    ask: Ask<T, O>,
  ): Promise<(O | ItemFailure)[]> {
    return scatter(
      items,
      ({ key }) => this.nodeOf(key),
      async (node, share) => {
        try {
          return await this.ask(node, share, ask);
        } catch (error) {
          const failure = unavailable(node, error);
          const doubt = error instanceof TransportError && error.failure !== 'unconnected';
          return share.map(() => (doubt ? { ...failure, maybeApplied: true } : failure));
        }
      },
    );
  }

  private ask<T, O>(
    node: string,
    share: readonly T[],
    ask: Ask<T, O>,
  ): Promise<readonly (O | ItemFailure)[]> {
    return this.tallies.count(node, () => ask(this.transportTo(node), share));
  }

  /** Each node that owns some of the partitions, with those. */
  private sharesOf(partitions: readonly number[] | undefined): NodeShare[] {
    const wanted = partitions && new Set(partitions);
    return Array.from(this.transports, ([node, transport]) => {
      const owned = this.ring.partitionsOf(node);
      return {
        node,
        transport,
        partitions: wanted ? owned.filter((partition) => wanted.has(partition)) : owned,
      };
    }).filter((share) => share.partitions.length > 0);
  }

  private nodeOf(key: Key): string {
    return this.ring.owner(partitionOf(placementInput(key))).id;
  }

  private transportTo(node: string): NodeTransport {
    const transport = this.transports.get(node);
    if (transport === undefined) throw new TypeError(`the ring names ${node}, which has no transport`);
    return transport;
  }
}

type Ask<T, O> = (transport: NodeTransport, share: readonly T[]) => Promise<readonly (O | ItemFailure)[]>;

function unavailable(node: string, error: unknown): ItemFailure {
  if (!(error instanceof TransportError)) throw error;
  return { ok: false, code: 'node_unavailable', message: `${node}: ${error.message}` };
}

interface NodeShare {
  readonly node: string;
  readonly transport: NodeTransport;
  readonly partitions: readonly number[];
}

interface OpenScan {
  readonly node: string;
  readonly scan: NodeScan;
}

type Opening = OpenScan | { readonly node: string; readonly error: unknown };

function scanOf({ transport, partitions }: NodeShare, request: ScanRequest): Promise<NodeScan> {
  return transport.scan({ ...request, partitions });
}

async function open(node: string, scan: () => Promise<NodeScan>): Promise<Opening> {
  try {
    return { node, scan: await scan() };
  } catch (error) {
    return { node, error };
  }
}

/** Texts of different formats can't be joined. */
function formatOf(scans: readonly OpenScan[]): PairFormat {
  const [format = 'lines', ...others] = new Set(scans.map(({ scan }) => scan.format ?? 'lines'));
  if (others.length > 0) throw new TypeError('the transports to the nodes give different formats');
  return format;
}

/** A node's lines, which say whose they are when they break off. */
async function* named({ node, scan }: OpenScan): AsyncGenerator<Uint8Array> {
  try {
    yield* scan.lines;
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    throw new NodesUnavailableError([node], { cause: error });
  }
}
