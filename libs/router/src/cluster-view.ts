import type { NodeTransport } from './node-transport.js';
import { TransportError } from './node-transport.js';

/** The cluster as one proxy sees it: the body of `GET /cluster`. */
export interface ClusterView {
  readonly partitions: number;
  readonly nodes: readonly NodeView[];
}

export interface NodeView {
  readonly node: string;
  readonly state: 'up' | 'down';
  /** How many partitions the node owns. */
  readonly partitions: number;
  /** How many pairs it holds; `null` when it can't be asked. */
  readonly keys: number | null;
  readonly engine?: string;
  /** Why it counts as down. */
  readonly reason?: string;
}

export async function describeCluster(
  routes: readonly { readonly node: string; readonly transport: NodeTransport }[],
  partitionsOf: (node: string) => number,
  partitions: number,
): Promise<ClusterView> {
  const nodes = await Promise.all(
    routes.map(async ({ node, transport }): Promise<NodeView> => {
      try {
        const { engine, keys } = await transport.stats();
        return { node, state: 'up', partitions: partitionsOf(node), keys, engine };
      } catch (error) {
        if (!(error instanceof TransportError)) throw error;
        return { node, state: 'down', partitions: partitionsOf(node), keys: null, reason: error.message };
      }
    }),
  );
  return { partitions, nodes };
}
