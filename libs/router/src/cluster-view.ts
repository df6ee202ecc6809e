import type { Timers } from '@kvs/protocol';
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

/** Asks all nodes. One that does not answer within {@link ANSWER_MS} counts as down. */
export async function describeCluster(
  routes: readonly { readonly node: string; readonly transport: NodeTransport }[],
  partitionsOf: (node: string) => number,
  partitions: number,
  timers: Timers,
): Promise<ClusterView> {
  const nodes = await Promise.all(
    routes.map(async ({ node, transport }): Promise<NodeView> => {
      try {
        const { engine, keys } = await inTime(transport.stats(), timers);
        return { node, state: 'up', partitions: partitionsOf(node), keys, engine };
      } catch (error) {
        if (!(error instanceof TransportError)) throw error;
        return { node, state: 'down', partitions: partitionsOf(node), keys: null, reason: error.message };
      }
    }),
  );
  return { partitions, nodes };
}

async function inTime<T>(answer: Promise<T>, timers: Timers): Promise<T> {
  let cancel: (() => void) | undefined;
  const late = new Promise<never>((_, reject) => {
    cancel = timers.after(ANSWER_MS, () =>
      reject(new TransportError('timeout', `the node does not answer within ${ANSWER_MS} ms`)),
    );
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    cancel?.();
  }
}

/** An operator asks for the state of a cluster because some node may hang. */
const ANSWER_MS = 1000;
