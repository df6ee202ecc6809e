import { HashRing, partitionOf } from '@kvs/hash-ring';
import { placementInput, stringKey } from '@kvs/protocol';
import { load } from './ask.js';
import type { ClusterNode, RunningCluster } from './contenders/kvs.js';
import type { Pair } from './pairs.js';

/** The pairs of each node of a cluster, placed as its proxy places them. */
export function pairsByNode(
  { nodes }: RunningCluster,
  pairs: readonly Pair[],
): { readonly node: ClusterNode; readonly pairs: readonly Pair[] }[] {
  const ring = new HashRing(nodes.map(({ address }) => address));
  const byAddress = new Map<string, Pair[]>(nodes.map(({ address }) => [address, []]));
  for (const pair of pairs) {
    const owner = ring.owner(partitionOf(placementInput(stringKey(pair.key))));
    byAddress.get(owner.id)?.push(pair);
  }
  return nodes.map((node) => ({ node, pairs: byAddress.get(node.address) ?? [] }));
}

/** Writes pairs to the nodes that own them: the proxy's memory stays as it is. */
export async function loadNodes(cluster: RunningCluster, pairs: readonly Pair[]): Promise<void> {
  for (const { node, pairs: owned } of pairsByNode(cluster, pairs)) {
    await load({ ...cluster, name: node.address, origin: `http://${node.address}` }, owned);
  }
}
