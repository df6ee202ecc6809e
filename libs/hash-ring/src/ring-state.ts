import { assignAll, assignUnowned, moveFrom, moveTo } from './bounded-loads.js';
import { HashRingError } from './errors.js';
import type { Hash32 } from './hash.js';
import { NO_NODE, type Table } from './assignment.js';
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

/** A ring as plain data: the result of `JSON.stringify`, and the input of `HashRing.fromJSON`. */
export interface HashRingJSON<T extends object = object> {
  readonly version: 1;
  readonly nodes: readonly RingNode<T>[];
  /** The index of each partition's owner in `nodes`. */
  readonly table: readonly number[];
}

/** The data of a ring. The arrays are parallel, and the table has indexes of nodes. */
export class RingState<T extends object> {
  constructor(
    readonly nodes: readonly RingNode<T>[],
    readonly preferences: readonly Preference[],
    readonly table: Table,
    readonly hash: Hash32,
  ) {}

  /** Returns a pure function of the set of nodes. */
  static build<T extends object>(inputs: Iterable<NodeInput<T>>, hash: Hash32): RingState<T> {
    const nodes = sortedById(toRingNodes<T>(inputs, PARTITION_COUNT));
    const preferences = nodes.map(preferenceOf);
    return new RingState(nodes, preferences, assignAll(preferences), hash);
  }

  /** Returns the ring that {@link toJSON} described. Nodes may be in any order. */
  static fromJSON<T extends object>(json: HashRingJSON<T>, hash: Hash32): RingState<T> {
    const { nodes: listed, table } = checkShape(json);
    const given = toRingNodes<T>(listed, PARTITION_COUNT);
    const nodes = sortedById(given);
    const indexes = given.map((node) => nodes.indexOf(node));
    const owners = Array.from(table, (owner) => indexes[owner] ?? NO_NODE);
    if (owners.length !== PARTITION_COUNT || owners.includes(NO_NODE)) {
      throw new HashRingError('invalid_json', 'the table does not give each partition a node');
    }
    return new RingState(nodes, nodes.map(preferenceOf), Uint16Array.from(owners), hash);
  }

  toJSON(): HashRingJSON<T> {
    return { version: 1, nodes: this.nodes, table: [...this.table] };
  }

  /** Yields the owner of a partition, and then all nodes by how much they want it. So the owner comes twice. */
  preferenceOrder(partition: number): number[] {
    const costs = this.preferences.map((preference) => preference.cost(partition));
    const byCost = Array.from(costs.keys()).sort((a, b) => (costs[a] ?? 0) - (costs[b] ?? 0));
    return [this.table[partition] ?? 0, ...byCost];
  }

  /** Returns how many partitions each node has. */
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
    return new RingState(sorted, preferences, moveTo(preferences, table, at), this.hash);
  }

  without(id: string): RingState<T> {
    const at = indexOfNode(this.nodes, id);
    const nodes = removeNode(this.nodes, id);
    const preferences = this.preferences.toSpliced(at, 1);
    const table = this.table.map((owner) => (owner === at ? NO_NODE : owner < at ? owner : owner - 1));
    return new RingState(nodes, preferences, assignUnowned(preferences, table), this.hash);
  }

  withWeight(id: string, weight: number): RingState<T> {
    const at = indexOfNode(this.nodes, id);
    const nodes = reweighNode(this.nodes, id, weight);
    const preferences = this.preferences.with(at, new Preference(id, weight));
    const isLighter = weight < (this.preferences[at]?.weight ?? 0);
    const table = isLighter ? moveFrom(preferences, this.table, at) : moveTo(preferences, this.table, at);
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
