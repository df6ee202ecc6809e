import { TransportError, type TransportFailure } from './node-transport.js';

/** How often a node was asked by this router, and how often that failed, by the kind of failure. */
export interface NodeTally {
  readonly node: string;
  readonly calls: number;
  readonly failures: Readonly<Record<TransportFailure, number>>;
}

/** Counts what becomes of the calls to each node. */
export class NodeTallies {
  private readonly tallies: ReadonlyMap<string, Tally>;

  constructor(nodes: readonly string[]) {
    this.tallies = new Map(
      nodes.map((node) => [
        node,
        { calls: 0, failures: { unconnected: 0, broken: 0, timeout: 0, refused: 0 } },
      ]),
    );
  }

  /** Counts a call, and how it fails if it does. */
  async count<T>(node: string, call: () => Promise<T>): Promise<T> {
    const tally = this.tallies.get(node);
    if (tally === undefined) throw new TypeError(`${node} is no node of this router`);
    tally.calls++;
    try {
      return await call();
    } catch (error) {
      if (error instanceof TransportError) tally.failures[error.failure]++;
      throw error;
    }
  }

  list(): NodeTally[] {
    return Array.from(this.tallies, ([node, { calls, failures }]) => ({
      node,
      calls,
      failures: { ...failures },
    }));
  }
}

interface Tally {
  calls: number;
  readonly failures: Record<TransportFailure, number>;
}
