import { MapReply, type Reply } from '../reply.js';
import type { ClusterMap, ClusterNode } from './cluster-map.js';

/** Neighboring slots that the same nodes have. */
export interface SlotRange {
  readonly first: number;
  readonly last: number;
  /** The primary, then the other copies. */
  readonly nodes: readonly ClusterNode[];
}

/** The replies that describe a cluster. They are made once for each map. */
export class ClusterReplies {
  readonly #map: ClusterMap;
  readonly #ranges: readonly SlotRange[];
  #slots: Reply | undefined;
  #shards: Reply | undefined;
  #nodes: string | undefined;

  constructor(map: ClusterMap) {
    this.#map = map;
    this.#ranges = rangesOf(map);
  }

  /** For CLUSTER SLOTS: the ranges, each with its nodes. */
  get slots(): Reply {
    return (this.#slots ??= this.#ranges.map(({ first, last, nodes }) => [
      first,
      last,
      ...nodes.map(({ id, host, port }) => [host, port, id]),
    ]));
  }

  /** For CLUSTER SHARDS: the ranges that the same nodes have, together. */
  get shards(): Reply {
    return (this.#shards ??= Array.from(this.#rangesByNodes(), ([nodes, ranges]) => {
      const slots = ranges.flatMap(({ first, last }) => [first, last]);
      return new MapReply([
        ['slots', slots],
        ['nodes', nodes.map((node, i) => shardNode(node, i === 0 ? 'master' : 'replica'))],
      ]);
    }));
  }

  /** For CLUSTER NODES: a line for each node with the slots whose primary it is. Each node is primary of some slots. */
  get nodes(): string {
    return (this.#nodes ??= this.#map.nodes.map((node) => this.#line(node)).join(''));
  }

  /** For CLUSTER INFO. */
  get info(): string {
    const { nodes, revision, self } = this.#map;
    const served = this.#ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
    const primaries = new Set(this.#ranges.map((range) => range.nodes[0])).size;
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
    const ranges = this.#ranges.filter(({ nodes: [primary] }) => primary === node);
    const slots = ranges.map(({ first, last }) => ` ${first}-${last}`).join('');
    return `${id} ${host}:${port}@0 ${flags} - 0 0 ${this.#map.revision} connected${slots}\n`;
  }

  #rangesByNodes(): Map<readonly ClusterNode[], SlotRange[]> {
    const groups = new Map<string, { nodes: readonly ClusterNode[]; ranges: SlotRange[] }>();
    for (const range of this.#ranges) {
      const key = range.nodes.map(({ id }) => id).join(' ');
      const group = groups.get(key);
      if (group === undefined) groups.set(key, { nodes: range.nodes, ranges: [range] });
      else group.ranges.push(range);
    }
    return new Map(Array.from(groups.values(), ({ nodes, ranges }) => [nodes, ranges]));
  }
}

function shardNode({ id, host, port }: ClusterNode, role: string): Reply {
  return new MapReply([
    ['id', id],
    ['port', port],
    ['ip', host],
    ['endpoint', host],
    ['role', role],
    ['replication-offset', 0],
    ['health', 'online'],
  ]);
}

/** Returns the ranges of all slots that are served. A partition is four slots. */
function rangesOf({ copies }: ClusterMap): SlotRange[] {
  const ranges: { first: number; last: number; nodes: readonly ClusterNode[] }[] = [];
  copies.forEach((nodes, partition) => {
    if (nodes.length === 0) return;
    const first = 4 * partition;
    const before = ranges.at(-1);
    if (before?.last === first - 1 && isSame(before.nodes, nodes)) before.last = first + 3;
    else ranges.push({ first, last: first + 3, nodes });
  });
  return ranges;
}

function isSame(a: readonly ClusterNode[], b: readonly ClusterNode[]): boolean {
  return a === b || (a.length === b.length && a.every((node, i) => node === b[i]));
}
