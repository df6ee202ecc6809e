import { createHash } from 'node:crypto';
import { ALL_PARTITIONS, hostOf } from '@kvs/protocol';
import type { ClusterMap, ClusterNode, ClusterView } from '@kvs/redis-api';
import type { ListenOptions } from '@kvs/server';
import type { BootId, PartitionEntry, Topology } from '@kvs/topology';
import type { ClusterMember } from '../cluster/cluster-member.js';

/** The part of a cluster member that this class uses. */
type Member = Pick<ClusterMember, 'topology' | 'bootId' | 'obstacle' | 'isServing'>;

/** The cluster of this node as Redis clients see it: that of the topology, or one node that has all slots. */
export class NodeCluster implements ClusterView {
  readonly #member: Member;
  #alone: ClusterMap | undefined;
  #last: { readonly topology: Topology; readonly map: ClusterMap } | undefined;

  constructor(member: Member) {
    this.#member = member;
  }

  /** The node listens for Redis clients there. */
  listening({ host, port }: ListenOptions): void {
    const self = clusterNode(`${host}:${port}`, host, port);
    const copies = [self];
    this.#alone = { revision: 0, self, nodes: copies, copies: ALL_PARTITIONS.map(() => copies) };
  }

  current(): ClusterMap | undefined {
    const { topology, bootId, obstacle } = this.#member;
    if (topology === undefined || bootId === undefined)
      return obstacle === undefined ? this.#alone : undefined;
    if (this.#last?.topology !== topology) this.#last = { topology, map: mapOf(topology, bootId) };
    return this.#last.map;
  }

  serves(partition: number): boolean {
    return this.#member.isServing(partition);
  }

  get hasAllPairs(): boolean {
    return this.#member.topology === undefined;
  }
}

/** Returns the map of a topology for the process `self`. O(partitions). */
export function mapOf(topology: Topology, self: BootId): ClusterMap {
  const byBootId = new Map<BootId, ClusterNode>();
  for (const { id, bootId, redisAddress } of topology.nodes) {
    if (redisAddress === undefined) continue;
    const port = Number(redisAddress.slice(redisAddress.lastIndexOf(':') + 1));
    byBootId.set(bootId, clusterNode(`${topology.clusterId}/${id}`, hostOf(redisAddress), port));
  }
  // Many partitions have the same copies.
  const lists = new Map<string, readonly ClusterNode[]>();
  const copies = topology.partitions.map(({ primary, inSync }) => {
    const key = [primary, ...inSync].join(' ');
    const known = lists.get(key) ?? nodesOf({ primary, inSync }, byBootId);
    lists.set(key, known);
    return known;
  });
  return { revision: topology.revision, self: byBootId.get(self), nodes: [...byBootId.values()], copies };
}

/** Returns the primary and then the other copies; nothing if the primary does not listen for Redis clients. */
function nodesOf(
  { primary, inSync }: Pick<PartitionEntry, 'primary' | 'inSync'>,
  byBootId: ReadonlyMap<BootId, ClusterNode>,
): readonly ClusterNode[] {
  const first = primary && byBootId.get(primary);
  if (first === undefined) return [];
  const others = inSync.filter((copy) => copy !== primary).flatMap((copy) => byBootId.get(copy) ?? []);
  return [first, ...others];
}

/** @param name tells the node apart from all others */
function clusterNode(name: string, host: string, port: number): ClusterNode {
  return { id: createHash('sha1').update(name).digest('hex'), host, port };
}
