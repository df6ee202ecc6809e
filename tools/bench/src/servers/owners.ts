import { HashRing } from '@kvs/hash-ring';
import { partitionOf, stringKey } from '@kvs/protocol';
import type { Pair } from './pairs.js';

/** The pairs of each node of a cluster, placed as its proxy places them. */
export function pairsByNode<Node extends { readonly address: string }>(
  nodes: readonly Node[],
  pairs: readonly Pair[],
): { readonly node: Node; readonly pairs: readonly Pair[] }[] {
  const ring = new HashRing(nodes.map(({ address }) => address));
  const byAddress = new Map<string, Pair[]>(nodes.map(({ address }) => [address, []]));
  for (const pair of pairs) {
    const owner = ring.owner(partitionOf(stringKey(pair.key)));
    byAddress.get(owner.id)?.push(pair);
  }
  return nodes.map((node) => ({ node, pairs: byAddress.get(node.address) ?? [] }));
}
