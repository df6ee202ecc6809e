import { adopt, give, place, take } from './bounded-loads.js';
import { HashRingError } from './errors.js';
import type { Hash32 } from './hash.js';
import { NOBODY, type Table } from './ledger.js';
import { indexOfNode, inOrder, reweighed, toRingNode, type NodeInput, type RingNode } from './node.js';
import { PARTITION_COUNT } from './partition.js';
import { Preference } from './preference.js';

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
    const nodes = inOrder(
      Array.from(inputs, (input) => toRingNode<T>(input)),
      PARTITION_COUNT,
    );
    const preferences = nodes.map(preferenceOf);
    return new RingState(nodes, preferences, place(preferences), hash);
  }

  with(input: NodeInput<T>): RingState<T> {
    const added = toRingNode<T>(input);
    const nodes = inOrder([...this.nodes, added], PARTITION_COUNT);
    const at = nodes.indexOf(added);
    const preferences = this.preferences.toSpliced(at, 0, preferenceOf(added));
    const table = this.table.map((owner) => (owner < at ? owner : owner + 1));
    return new RingState(nodes, preferences, take(preferences, table, at), this.hash);
  }

  without(id: string): RingState<T> {
    const at = indexOfNode(this.nodes, id);
    if (this.nodes.length === 1) throw new HashRingError('no_nodes', 'the last node of a ring can not go');
    const preferences = this.preferences.toSpliced(at, 1);
    const table = this.table.map((owner) => (owner === at ? NOBODY : owner < at ? owner : owner - 1));
    const nodes = Object.freeze(this.nodes.toSpliced(at, 1));
    return new RingState(nodes, preferences, adopt(preferences, table), this.hash);
  }

  withWeight(id: string, weight: number): RingState<T> {
    const at = indexOfNode(this.nodes, id);
    const nodes = Object.freeze(
      this.nodes.map((node, index) => (index === at ? reweighed(node, weight) : node)),
    );
    const before = this.preferences[at]?.weight ?? 0;
    const preferences = nodes.map((node, index) =>
      index === at ? preferenceOf(node) : (this.preferences[index] ?? preferenceOf(node)),
    );
    const change = weight < before ? give : take;
    return new RingState(nodes, preferences, change(preferences, this.table, at), this.hash);
  }
}

function preferenceOf({ id, weight }: RingNode): Preference {
  return new Preference(id, weight);
}
