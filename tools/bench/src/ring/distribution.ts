import { idOf } from './nodes.js';
import type { Peer, WeightedNode } from './peers.js';

/** The keys that are looked up. Very many are made only then. */
export interface Keys {
  readonly count: number;
  at(index: number): string;
}

/** How a ring distributes keys, and which of them a new node moves. */
export interface Distribution {
  /** Each node's keys, as a multiple of its fair share by weight. */
  readonly loads: readonly number[];
  /** The fair share of the new node, as a part of all keys. */
  readonly newShare: number;
  /** The keys that moved to the new node, as a multiple of its fair share. */
  readonly movedToNew: number;
  /** The keys that moved between the other nodes, in the same unit. */
  readonly movedBetweenOthers: number;
}

/** Looks up every key before and after a node is added. Nothing is estimated. */
export function distribute(
  peer: Peer,
  nodes: readonly WeightedNode[],
  keys: Keys,
  addedWeight = 1,
): Distribution {
  const added = { id: idOf(nodes.length), weight: addedWeight };
  const indexes = new Map([...nodes, added].map(({ id }, index) => [id, index]));
  const ring = peer.build(nodes);
  const before = new Uint16Array(keys.count);
  const counts = new Array<number>(nodes.length).fill(0);
  for (let at = 0; at < keys.count; at++) {
    const index = indexes.get(ring.lookup(keys.at(at)) ?? '');
    if (index === undefined) throw new Error(`${peer.name} has no node for a key`);
    before[at] = index;
    counts[index] = (counts[index] ?? 0) + 1;
  }
  // This may change the ring.
  const larger = ring.add(added);
  let toNew = 0;
  let betweenOthers = 0;
  for (let at = 0; at < keys.count; at++) {
    const index = indexes.get(larger.lookup(keys.at(at)) ?? '');
    if (index === nodes.length) toNew++;
    else if (index !== before[at]) betweenOthers++;
  }
  const weight = nodes.reduce((total, node) => total + node.weight, 0);
  const newShare = addedWeight / (weight + addedWeight);
  return {
    loads: nodes.map((node, at) => ((counts[at] ?? 0) / keys.count / node.weight) * weight),
    newShare,
    movedToNew: toNew / keys.count / newShare,
    movedBetweenOthers: betweenOthers / keys.count / newShare,
  };
}
