import { MapReply, type Encoded, type Reply } from '../reply.js';
import { encode } from '../resp/reply-writer.js';
import type { ClusterMap, ClusterNode } from './cluster-map.js';

/** Neighboring slots with the same primary. */
interface SlotRange {
  readonly first: number;
  readonly last: number;
  readonly primary: ClusterNode;
}

/**
 * The replies that describe a cluster. They are made once for each map. They name primaries only: in Redis Cluster a node is
 * either primary or replica, and some clients would take a node for a replica that is a primary of other slots.
 */
export class ClusterReplies {
  readonly #map: ClusterMap;
  readonly #ranges: readonly SlotRange[];
  #slots: Encoded | undefined;
  #shards: Encoded | undefined;
  #nodes: string | undefined;

  constructor(map: ClusterMap) {
    this.#map = map;
    this.#ranges = rangesOf(map);
  }

  /** For CLUSTER SLOTS: the ranges, each with its primary. Thousands of clients may ask at once, so it is encoded once. */
  get slots(): Encoded {
    return (this.#slots ??= encode(
      this.#ranges.map(({ first, last, primary: { host, port, id } }) => [first, last, [host, port, id]]),
    ));
  }

  /** For CLUSTER SHARDS: the ranges of each primary, together. */
  get shards(): Encoded {
    return (this.#shards ??= encode(
      Array.from(this.#rangesByPrimary(), ([primary, ranges]) => {
        const slots = ranges.flatMap(({ first, last }) => [first, last]);
        return new MapReply([
          ['slots', slots],
          ['nodes', [shardNode(primary)]],
        ]);
      }),
    ));
  }

  /** For CLUSTER NODES: a line for each node with the slots whose primary it is. Each node is primary of some slots. */
  get nodes(): string {
    return (this.#nodes ??= this.#map.nodes.map((node) => this.#line(node)).join(''));
  }

  /** For CLUSTER INFO. */
  get info(): string {
    const { nodes, revision, self } = this.#map;
    const served = this.#ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
    const primaries = new Set(this.#ranges.map(({ primary }) => primary)).size;
    const fields = {
      cluster_enabled: 1,
      // As Redis without full coverage: some clients use no node of a cluster that fails.
      cluster_state: self !== undefined && served > 0 ? 'ok' : 'fail',
      cluster_slots_assigned: served,
      cluster_slots_ok: served,
      cluster_slots_pfail: 0,
      cluster_slots_fail: 0,
      cluster_known_nodes: nodes.length,
      cluster_size: primaries,
      cluster_current_epoch: revision,
      cluster_my_epoch: revision,
    };
    return Object.entries(fields)
      .map(([name, value]) => `${name}:${value}\r\n`)
      .join('');
  }

  #line(node: ClusterNode): string {
    const { id, host, port } = node;
    const flags = node === this.#map.self ? 'myself,master' : 'master';
    const ranges = this.#ranges.filter(({ primary }) => primary === node);
    const slots = ranges.map(({ first, last }) => ` ${first}-${last}`).join('');
    return `${id} ${host}:${port}@0 ${flags} - 0 0 ${this.#map.revision} connected${slots}\n`;
  }

  #rangesByPrimary(): Map<ClusterNode, SlotRange[]> {
    const groups = new Map<ClusterNode, SlotRange[]>();
    for (const range of this.#ranges) {
      const group = groups.get(range.primary);
      if (group === undefined) groups.set(range.primary, [range]);
      else group.push(range);
    }
    return groups;
  }
}

function shardNode({ id, host, port }: ClusterNode): Reply {
  return new MapReply([
    ['id', id],
    ['port', port],
    ['ip', host],
    ['endpoint', host],
    ['role', 'master'],
    ['replication-offset', 0],
    ['health', 'online'],
  ]);
}

/** Returns the ranges of all slots that are served. A partition is four slots. */
function rangesOf({ copies }: ClusterMap): SlotRange[] {
  const ranges: { first: number; last: number; primary: ClusterNode }[] = [];
  copies.forEach(([primary], partition) => {
    if (primary === undefined) return;
    const first = 4 * partition;
    const before = ranges.at(-1);
    if (before?.last === first - 1 && before.primary === primary) before.last = first + 3;
    else ranges.push({ first, last: first + 3, primary });
  });
  return ranges;
}
