import { HashRing, JumpRing, KetamaRing, MaglevRing, RendezvousRing, type Placement } from '@kvs/hash-ring';
import ConsistentHash from 'consistent-hash';
import Hashring from 'hashring';
import { HashRing as Ketama } from 'ketama';
import NodeHashring from 'node-hashring';

export interface WeightedNode {
  readonly id: string;
  readonly weight: number;
}

/** A ring of one of the packages. */
export interface BuiltRing {
  /** Returns the id of the key's node. */
  readonly lookup: (key: string) => string | undefined;
  /** Returns the ring with one node more: this one, changed, or another one. */
  add(node: WeightedNode): BuiltRing;
}

export interface Peer {
  readonly name: string;
  readonly hasWeights: boolean;
  build(nodes: readonly WeightedNode[]): BuiltRing;
}

/** A strategy of ours. */
export interface Strategy extends Peer {
  /** Whether a lookup among a thousand nodes takes microseconds. */
  readonly isSlow: boolean;
}

export const ours: Peer = {
  name: '@kvs/hash-ring',
  hasWeights: true,
  build: (nodes) => wrap(new HashRing(nodes)),
};

export const hashring: Peer = {
  name: 'hashring',
  hasWeights: true,
  build: (nodes) => hashringOf(nodes, (ring, key) => ring.get(key)),
};

/** `hashring` without its cache, which costs more than it saves on a miss. */
export const hashringUncached: Peer = {
  name: 'hashring, past its cache',
  hasWeights: true,
  build: (nodes) => hashringOf(nodes, (ring, key) => ring.ring[ring.find(ring.hashValue(key))]?.server),
};

/** In its default: 40 random points per node. */
export const consistentHash: Peer = {
  name: 'consistent-hash',
  hasWeights: true,
  build: (nodes) => consistentHashOf(new ConsistentHash(), nodes),
};

/** Points at even distances, the same in every process. It ignores weights. */
export const consistentHashUniform: Peer = {
  name: 'consistent-hash, uniform',
  hasWeights: false,
  build: (nodes) => consistentHashOf(new ConsistentHash({ distribution: 'uniform' }), nodes),
};

export const nodeHashring: Peer = {
  name: 'node-hashring',
  hasWeights: false,
  build: (nodes) => {
    const ring = new NodeHashring(nodes.map(({ id }) => id));
    return inPlace(
      (key) => ring.findNode(key),
      ({ id }) => ring.addNode(id),
    );
  },
};

export const ketama: Peer = {
  name: 'ketama',
  hasWeights: true,
  build: (nodes) => {
    const ring = new Ketama(nodes.map(({ id, weight }) => ({ node: id, weight })));
    return inPlace(
      (key) => ring.getNode(key),
      ({ id, weight }) => ring.addNode(id, weight),
    );
  },
};

/** Every package once, with its defaults. */
export const packages: readonly Peer[] = [ours, hashring, consistentHash, nodeHashring, ketama];

/** The packages, and the settings that change lookups or balance. */
export const variants: readonly Peer[] = [
  ours,
  hashring,
  hashringUncached,
  consistentHash,
  consistentHashUniform,
  nodeHashring,
  ketama,
];

/** The strategies of ours. */
export const strategies: readonly Strategy[] = [
  { ...ours, name: 'HashRing', isSlow: false },
  {
    name: 'KetamaRing',
    isSlow: true,
    hasWeights: true,
    build: (nodes) => wrap(new KetamaRing(nodes, { rounding: 'exact' })),
  },
  {
    name: 'RendezvousRing',
    isSlow: true,
    hasWeights: true,
    build: (nodes) => wrap(new RendezvousRing(nodes)),
  },
  { name: 'JumpRing', isSlow: false, hasWeights: false, build: (nodes) => wrap(new JumpRing(nodes)) },
  { name: 'MaglevRing', isSlow: false, hasWeights: true, build: (nodes) => wrap(new MaglevRing(nodes)) },
];

function wrap(ring: Placement): BuiltRing {
  return { lookup: (key) => ring.get(key).id, add: (node) => wrap(ring.with(node)) };
}

/** A ring that changes when a node is added. */
function inPlace(lookup: BuiltRing['lookup'], add: (node: WeightedNode) => unknown): BuiltRing {
  const built: BuiltRing = {
    lookup,
    add: (node) => {
      add(node);
      return built;
    },
  };
  return built;
}

function hashringOf(
  nodes: readonly WeightedNode[],
  lookup: (ring: Hashring, key: string) => string | undefined,
): BuiltRing {
  const weights = (some: readonly WeightedNode[]) =>
    Object.fromEntries(some.map(({ id, weight }) => [id, { weight }]));
  const ring = new Hashring(weights(nodes));
  return inPlace(
    (key) => lookup(ring, key),
    (node) => ring.add(weights([node])),
  );
}

function consistentHashOf(ring: ConsistentHash, nodes: readonly WeightedNode[]): BuiltRing {
  const built = inPlace(
    (key) => ring.get(key) ?? undefined,
    ({ id, weight }) => ring.add(id, weight * POINTS_PER_WEIGHT),
  );
  for (const node of nodes) built.add(node);
  return built;
}

const POINTS_PER_WEIGHT = 40;
