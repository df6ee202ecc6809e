import { TransportError, type TransportFailure } from './node-transport.js';

/** How often a node was asked by this router, and how often that failed, by the kind of failure. */
export interface NodeTally {
  readonly node: string;
  readonly calls: number;
  readonly failures: Readonly<Record<TransportFailure, number>>;
}

/** Counts what becomes of the calls to one node. */
export class CallCounter {
  calls = 0;
  readonly #failures = { unconnected: 0, broken: 0, timeout: 0, refused: 0, loop: 0 };

  /** @param error of a call that was counted; a defect is none of the node's failures */
  failed(error: unknown): void {
    if (error instanceof TransportError) this.#failures[error.failure]++;
  }

  tally(node: string): NodeTally {
    return { node, calls: this.calls, failures: { ...this.#failures } };
  }
}
