import { adopt, give, place, take } from './bounded-loads.js';
import { HashRingError } from './errors.js';
import type { Hash32 } from './hash.js';
import { NOBODY, type Table } from './ledger.js';
import {
  addNode,
  indexOfNode,
  removeNode,
  reweighNode,
  sortedById,
  toRingNodes,
  type NodeInput,
  type RingNode,
} from './node.js';
import { PARTITION_COUNT } from './partition.js';
import { Preference } from './preference.js';

/** A ring as plain data: what `JSON.stringify` makes of it, and `HashRing.fromJSON` takes. */
export interface HashRingJSON<T extends object = object> {
  readonly version: 1;
  readonly nodes: readonly RingNode<T>[];
  /** Of each partition, the place of its owner in `nodes`. */
  readonly table: readonly number[];
}

/** What a ring is made of. The arrays run parallel, and the table refers to nodes by their place in them. */
export class RingState<T extends object> {
  constructor(
    readonly nodes: readonly RingNode<T>[],
    readonly preferences: readonly Preference[],
    readonly table: Table,
    readonly hash: Hash32,
  ) {}

  /** A pure function of the set of nodes. */
  static build<T extends object>(inputs: Iterable<NodeInput<T>>, hash: Hash32): RingState<T> {
    const nodes = sortedById(toRingNodes<T>(inputs, PARTITION_COUNT));
    const preferences = nodes.map(preferenceOf);
    return new RingState(nodes, preferences, place(preferences), hash);
  }

  /** The ring that {@link toJSON} described. Nodes may be listed in any order. */
  static fromJSON<T extends object>(json: HashRingJSON<T>, hash: Hash32): RingState<T> {
    const { nodes: listed, table } = checkShape(json);
    const given = toRingNodes<T>(listed, PARTITION_COUNT);
    const nodes = sortedById(given);
    const indexes = given.map((node) => nodes.indexOf(node));
    const owners = Array.from(table, (owner) => indexes[owner] ?? NOBODY);
    if (owners.length !== PARTITION_COUNT || owners.includes(NOBODY)) {
      throw new HashRingError('invalid_json', 'the table does not give each partition a node');
    }
    return new RingState(nodes, nodes.map(preferenceOf), Uint16Array.from(owners), hash);
  }

  toJSON(): HashRingJSON<T> {
    return { version: 1, nodes: this.nodes, table: [...this.table] };
  }

  /** The nodes by how much they want a partition, before them all its owner, who so comes twice. */
  preferenceOrder(partition: number): number[] {
    const costs = this.preferences.map((preference) => preference.cost(partition));
    const byCost = Array.from(costs.keys()).sort((a, b) => (costs[a] ?? 0) - (costs[b] ?? 0));
    return [this.table[partition] ?? 0, ...byCost];
  }

  /** How many partitions each node has. */
  loads(): number[] {
    const loads = this.nodes.map(() => 0);
    for (const owner of this.table) loads[owner] = (loads[owner] ?? 0) + 1;
    return loads;
  }

  with(input: NodeInput<T>): RingState<T> {
    const nodes = addNode<T>(this.nodes, input, PARTITION_COUNT);
    const sorted = sortedById(nodes);
    const at = sorted.findIndex((node) => node === nodes.at(-1));
    const preferences = this.preferences.toSpliced(at, 0, ...nodes.slice(-1).map(preferenceOf));
    const table = this.table.map((owner) => (owner < at ? owner : owner + 1));
    return new RingState(sorted, preferences, take(preferences, table, at), this.hash);
  }

  without(id: string): RingState<T> {
    const at = indexOfNode(this.nodes, id);
    const nodes = removeNode(this.nodes, id);
    const preferences = this.preferences.toSpliced(at, 1);
    const table = this.table.map((owner) => (owner === at ? NOBODY : owner < at ? owner : owner - 1));
    return new RingState(nodes, preferences, adopt(preferences, table), this.hash);
  }

  withWeight(id: string, weight: number): RingState<T> {
    const at = indexOfNode(this.nodes, id);
    const nodes = reweighNode(this.nodes, id, weight);
    const preferences = this.preferences.with(at, new Preference(id, weight));
    const isLighter = weight < (this.preferences[at]?.weight ?? 0);
    const table = isLighter ? give(preferences, this.table, at) : take(preferences, this.table, at);
    return new RingState(nodes, preferences, table, this.hash);
  }
}

function checkShape<T extends object>(json: HashRingJSON<T>): HashRingJSON<T> {
  if (json?.version === 1 && Array.isArray(json.nodes) && Array.isArray(json.table)) return json;
  throw new HashRingError('invalid_json', 'not a ring of version 1');
}

function preferenceOf({ id, weight }: RingNode): Preference {
  return new Preference(id, weight);
}
