import {
  KvsError,
  NodesUnavailableError,
  type PairLines,
  type ScanAnswer,
  type ScanRequest,
} from '@kvs/protocol';
import type { Failover } from './failover.js';
import { interleave } from './interleave.js';
import type { NodePool, NodeShare } from './node-pool.js';
import { ScanStoppedError, TransportError, type NodeScan } from './node-transport.js';

interface OpenScan {
  readonly share: NodeShare;
  readonly scan: NodeScan;
}

interface FailedOpening {
  readonly share: NodeShare;
  readonly error: unknown;
}

/** The outcome of asking one node for a scan. */
type Opening = OpenScan | FailedOpening;

/**
 * A scan over many nodes. If a node does not serve a partition any more, the scan goes on at the node that does, as long as
 * nothing of the partition was read.
 */
export class ClusterScan {
  /** All scans of nodes that were opened. */
  readonly #scans: NodeScan[] = [];
  /** The pairs of scans that were opened while others were read. */
  readonly #joining: PairLines[] = [];
  /** How often partitions had moved when nodes were last asked. */
  #changes = 0;
  #isClosed = false;

  readonly #request: ScanRequest;
  readonly #pool: NodePool;
  readonly #failover: Failover | undefined;

  /** @param failover undefined if partitions never move */
  constructor(request: ScanRequest, pool: NodePool, failover: Failover | undefined) {
    this.#request = request;
    this.#pool = pool;
    this.#failover = failover;
  }

  /**
   * Asks all nodes at once.
   *
   * @param partial whether pairs of nodes that are away may be missing
   * @throws KvsError `node_unavailable` or `loop_detected` if nodes are away and the answer must not be partial
   */
  async open(partial: boolean): Promise<ScanAnswer> {
    const openings = await this.#openElsewhere(await this.#openAll(this.#request.partitions));
    const failures = openings.filter(hasFailed);
    const isPartial = failures.every(({ error }) => error instanceof TransportError);
    if (failures.length > 0 && !(partial && isPartial)) {
      this.#close();
      throw failureOf(failures);
    }
    return {
      missingNodes: nodesOf(failures),
      lines: interleave(
        openings.filter(isOpen).map((open) => this.#lines(open)),
        () => this.#joining.splice(0),
      ),
      close: () => this.#close(),
    };
  }

  #close(): void {
    this.#isClosed = true;
    for (const scan of this.#scans) scan.close();
  }

  /** Opens a scan of each node that serves some of the partitions. */
  #openAll(partitions: readonly number[] | undefined): Promise<readonly Opening[]> {
    this.#changes = this.#failover?.changes ?? 0;
    return Promise.all(this.#pool.sharesOf(partitions).map((share) => this.#openShare(share)));
  }

  async #openShare(share: NodeShare): Promise<Opening> {
    const { node, partitions, epoch } = share;
    node.counter.calls++;
    try {
      const scan = await node.transport.scan({ ...this.#request, partitions }, epoch);
      this.#scans.push(scan);
      if (this.#isClosed) scan.close();
      return { share, scan };
    } catch (error) {
      node.counter.failed(error);
      return { share, error };
    }
  }

  /** Replaces openings that failed by scans of other nodes, as long as there is time. */
  async #openElsewhere(first: readonly Opening[]): Promise<readonly Opening[]> {
    let openings = first;
    let unread = unreadPartitions(openings);
    if (this.#failover === undefined || unread.length === 0) return openings;
    const wait = this.#failover.begin(0, this.#changes);
    try {
      while (unread.length > 0 && (await wait?.next()) && !this.#isClosed) {
        const others = openings.filter((opening) => !isReplaceable(opening));
        openings = [...others, ...(await this.#openAll(unread))];
        unread = unreadPartitions(openings);
      }
    } finally {
      wait?.end();
    }
    return openings;
  }

  /** The pairs of a node, and those that it does not serve any more from a node that does. */
  async *#lines(first: OpenScan): AsyncGenerator<Uint8Array, void, undefined> {
    // A loop, because a long scan may have to go on elsewhere more often than calls can be nested.
    for (let open: OpenScan | undefined = first; open !== undefined;) {
      let isUnread = true;
      try {
        for await (const chunk of open.scan.lines) {
          isUnread = false;
          yield chunk;
        }
        return;
      } catch (error) {
        open = await this.#openNext(open.share, error, isUnread);
      }
    }
  }

  /** Opens what goes on where a scan has failed. Returns the first of those scans; the others join. */
  async #openNext(share: NodeShare, error: unknown, isUnread: boolean): Promise<OpenScan | undefined> {
    if (!(error instanceof TransportError)) throw error;
    const canMove = this.#failover !== undefined && !this.#isClosed;
    if (!canMove || !(isUnread || error instanceof ScanStoppedError))
      throw new NodesUnavailableError([share.node.address], { cause: error });
    const openings = await this.#openElsewhere([{ share, error }]);
    const failures = openings.filter(hasFailed);
    if (failures.length > 0) throw failureOf(failures);
    const [next, ...others] = openings.filter(isOpen);
    this.#joining.push(...others.map((other) => this.#lines(other)));
    return next;
  }
}

function isOpen(opening: Opening): opening is OpenScan {
  return 'scan' in opening;
}

function hasFailed(opening: Opening): opening is FailedOpening {
  return 'error' in opening;
}

/** Whether the opening failed, and another node may serve the partitions. */
function isReplaceable(opening: Opening): boolean {
  return hasFailed(opening) && opening.error instanceof TransportError && opening.error.failure !== 'loop';
}

/** Returns the partitions of which nothing was read, ascending. */
function unreadPartitions(openings: readonly Opening[]): number[] {
  return openings
    .filter(hasFailed)
    .filter(isReplaceable)
    .flatMap(({ share, error }) =>
      error instanceof ScanStoppedError
        ? share.partitions.filter((partition) => partition >= error.partition)
        : share.partitions,
    )
    .sort((one, other) => one - other);
}

/** Returns the error of a scan that could not be opened at some nodes: one that is not about reaching a node first. */
function failureOf(failures: readonly FailedOpening[]): unknown {
  const other = failures.find(({ error }) => !(error instanceof TransportError));
  if (other !== undefined) return other.error;
  const loop = failures.find(({ error }) => error instanceof TransportError && error.failure === 'loop');
  if (loop === undefined) return new NodesUnavailableError(nodesOf(failures));
  return new KvsError('loop_detected', `${loop.share.node.address} is a proxy, not a storage node`);
}

function nodesOf(failures: readonly FailedOpening[]): string[] {
  return [...new Set(failures.map(({ share }) => share.node.address))];
}
