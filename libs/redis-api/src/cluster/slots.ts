import { ALL_PARTITIONS, slotOfBytes } from '@kvs/protocol';
import { RedisError } from '../reply.js';
import type { ClusterMap, ClusterView } from './cluster-map.js';

/** Finds out which commands a node of a cluster serves. */
export class Slots {
  readonly #cluster: ClusterView;
  /** The partitions that this node serves by the map that was read last. */
  #served: { readonly map: ClusterMap; readonly partitions: readonly number[] } | undefined;

  constructor(cluster: ClusterView) {
    this.#cluster = cluster;
  }

  /**
   * Returns the partitions that this node serves, in ascending order.
   *
   * @throws RedisError while the node is not part of its cluster
   */
  served(): readonly number[] {
    const map = this.#cluster.current();
    if (map?.self === undefined) throw NOT_JOINED;
    return this.#servedOf(map);
  }

  #servedOf(map: ClusterMap): readonly number[] {
    if (this.#served?.map !== map) this.#served = undefined;
    this.#served ??= { map, partitions: partitionsOf(map) };
    return this.#served.partitions;
  }

  /** Returns how many in-sync copies each partition has besides that of this node, at least. O(partitions). */
  otherCopies(): number {
    const map = this.#cluster.current();
    if (map === undefined) return 0;
    const counts = this.#servedOf(map).map((partition) => (map.copies[partition]?.length ?? 1) - 1);
    return counts.length === 0 ? 0 : Math.min(...counts);
  }

  /**
   * Returns the error for a command with these keys: `MOVED`, `CROSSSLOT` or `CLUSTERDOWN`; undefined if this node serves them.
   * O(bytes of the keys).
   */
  refusal(keys: readonly Buffer[]): RedisError | undefined {
    const [first] = keys;
    if (first === undefined) return undefined;
    const map = this.#cluster.current();
    if (map === undefined) return NOT_JOINED;
    if (this.#cluster.hasAllPairs) return undefined;
    const slot = slotOfBytes(first);
    if (keys.length > 1 && keys.some((key) => slotOfBytes(key) !== slot)) return CROSS_SLOT;
    const partition = slot >>> 2;
    const primary = map.copies[partition]?.[0];
    // Nodes learn of a change one after the other. If two sent a client to each other, it would soon give up.
    if ((primary !== undefined && primary === map.self) || this.#cluster.serves(partition)) return undefined;
    return primary === undefined
      ? NOT_SERVED
      : new RedisError('MOVED', `${slot} ${primary.host}:${primary.port}`);
  }
}

function partitionsOf(map: ClusterMap): readonly number[] {
  if (map.self === undefined) return [];
  return ALL_PARTITIONS.filter((partition) => map.copies[partition]?.[0] === map.self);
}

/** The error while the node is not part of its cluster. */
export const NOT_JOINED = new RedisError('CLUSTERDOWN', 'The cluster is down');
const CROSS_SLOT = new RedisError('CROSSSLOT', "Keys in request don't hash to the same slot");
const NOT_SERVED = new RedisError('CLUSTERDOWN', 'Hash slot not served');
