import type { NodeIdentity, Topology } from '@kvs/topology';

/**
 * Returns a warning for each option of a node that has no effect, because the topology keeps the value of an earlier start, or the
 * one that an operator has set since.
 */
export function overruledOptions(
  topology: Topology,
  own: Pick<NodeIdentity, 'id' | 'zone' | 'weight'>,
): string[] {
  const kept = topology.nodes.find(({ id }) => id === own.id);
  if (kept === undefined) return [];
  return (['zone', 'weight'] as const)
    .filter((option) => kept[option] !== own[option])
    .map(
      (option) =>
        `the cluster keeps the ${option} ${JSON.stringify(kept[option])} of ${own.id}, and not ${JSON.stringify(own[option])}: ` +
        `change it with PATCH /cluster/nodes/${encodeURIComponent(own.id)} at a proxy`,
    );
}
