import { PARTITION_COUNT, type Timers } from '@kvs/protocol';
import { TransportError, type NodeTransport } from './node-transport.js';

/** The cluster as one proxy sees it: the body of `GET /cluster`. */
export interface ClusterView {
  readonly partitions: number;
  readonly nodes: readonly NodeView[];
}

export type NodeView = {
  readonly node: string;
  /** How many partitions the node owns. */
  readonly partitions: number;
} & (UpNode | DownNode);

interface UpNode {
  readonly state: 'up';
  /** How many pairs it holds. */
  readonly keys: number;
  readonly engine: string;
}

interface DownNode {
  readonly state: 'down';
  readonly keys: null;
  /** Why it counts as down. */
  readonly reason: string;
}

/** Asks all nodes. One that does not answer within {@link ANSWER_MS} counts as down. */
export async function describeCluster(
  nodes: readonly { readonly address: string; readonly transport: NodeTransport }[],
  partitionsOf: (address: string) => number,
  timers: Timers,
): Promise<ClusterView> {
  const views = await Promise.all(
    nodes.map(async ({ address: node, transport }): Promise<NodeView> => {
      try {
        const { engine, keys } = await inTime(transport.stats(), timers);
        return { node, state: 'up', partitions: partitionsOf(node), keys, engine };
      } catch (error) {
        if (!(error instanceof TransportError)) throw error;
        return { node, state: 'down', partitions: partitionsOf(node), keys: null, reason: error.message };
      }
    }),
  );
  return { partitions: PARTITION_COUNT, nodes: views };
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
