import type { Logger } from '@kvs/server';

/**
 * Knows which of the configured nodes are proxies. Two proxies that ask each other, or one that asks itself, would never
 * finish. So proxies refuse requests of proxies, and this class tells the operator.
 */
export class LoopedNodes {
  readonly #nodes = new Set<string>();

  readonly #logger: Pick<Logger, 'error'>;

  constructor(logger: Pick<Logger, 'error'>) {
    this.#logger = logger;
  }

  /** Logs the node, unless it is known. */
  add(node: string): void {
    if (this.#nodes.has(node)) return;
    this.#nodes.add(node);
    this.#logger.error({ node }, `${node} is a proxy, not a storage node`);
  }

  /** The node has answered as a storage node does. */
  delete(node: string): void {
    this.#nodes.delete(node);
  }

  /** Returns a sentence that names them; undefined if there are none. */
  describe(): string | undefined {
    if (this.#nodes.size === 0) return undefined;
    return `given as storage nodes, but proxies: ${[...this.#nodes].join(', ')}`;
  }
}
