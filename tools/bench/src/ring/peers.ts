import { HashRing, JumpRing, KetamaRing, MaglevRing, RendezvousRing, type Placement } from '@kvs/hash-ring';
import ConsistentHash from 'consistent-hash';
import Hashring from 'hashring';
import { HashRing as Ketama } from 'ketama';
import NodeHashring from 'node-hashring';

export interface WeightedNode {
  readonly id: string;
  readonly weight: number;
}

/** A ring of some package. */
export interface BuiltRing {
  /** The id of the key's node. */
  readonly lookup: (key: string) => string | undefined;
  /** The ring with one node more: this one, changed, or another. */
  add(node: WeightedNode): BuiltRing;
}

export interface Peer {
  readonly name: string;
  readonly hasWeights: boolean;
  build(nodes: readonly WeightedNode[]): BuiltRing;
}

export const ours: Peer = {
  name: '@kvs/hash-ring',
  hasWeights: true,
  build: (nodes) => wrap(new HashRing(nodes)),
};

export const hashring: Peer = {
  name: 'hashring',
  hasWeights: true,
  build: (nodes) => {
    const ring = new Hashring(hashringNodes(nodes));
    const built: BuiltRing = {
      lookup: (key) => ring.get(key),
      add: (node) => {
        ring.add(hashringNodes([node]));
        return built;
      },
    };
    return built;
  },
};

/** What `hashring` would be if it had no cache, which costs more than it saves when it is missed. */
export const hashringUncached: Peer = {
  name: 'hashring, past its cache',
  hasWeights: true,
  build: (nodes) => {
    const ring = new Hashring(hashringNodes(nodes));
    const built: BuiltRing = {
      lookup: (key) => ring.ring[ring.find(ring.hashValue(key))]?.server,
      add: (node) => {
        ring.add(hashringNodes([node]));
        return built;
      },
    };
    return built;
  },
};

/** In its default: 40 points per node, at random. */
export const consistentHash: Peer = {
  name: 'consistent-hash',
  hasWeights: true,
  build: (nodes) => consistentHashRing(new ConsistentHash(), nodes, 40),
};

/** Points at even distances, the same in every process. Weights are ignored then. */
export const consistentHashUniform: Peer = {
  name: 'consistent-hash, uniform',
  hasWeights: false,
  build: (nodes) => consistentHashRing(new ConsistentHash({ distribution: 'uniform' }), nodes, 40),
};

export const nodeHashring: Peer = {
  name: 'node-hashring',
  hasWeights: false,
  build: (nodes) => {
    const ring = new NodeHashring(nodes.map(({ id }) => id));
    const built: BuiltRing = {
      lookup: (key) => ring.findNode(key),
      add: ({ id }) => {
        ring.addNode(id);
        return built;
      },
    };
    return built;
  },
};

export const ketama: Peer = {
  name: 'ketama',
  hasWeights: true,
  build: (nodes) => {
    const ring = new Ketama(nodes.map(({ id, weight }) => ({ node: id, weight })));
    const built: BuiltRing = {
      lookup: (key) => ring.getNode(key),
      add: ({ id, weight }) => {
        ring.addNode(id, weight);
        return built;
      },
    };
    return built;
  },
};

/** Every package once, in its defaults. */
export const packages: readonly Peer[] = [ours, hashring, consistentHash, nodeHashring, ketama];

/** The packages, and the ways to use them that make a difference to lookups or balance. */
export const variants: readonly Peer[] = [
  ours,
  hashring,
  hashringUncached,
  consistentHash,
  consistentHashUniform,
  nodeHashring,
  ketama,
];

/** What else ours has to offer. */
export const strategies: readonly Peer[] = [
  { ...ours, name: 'HashRing' },
  {
    name: 'KetamaRing',
    hasWeights: true,
    build: (nodes) => wrap(new KetamaRing(nodes, { rounding: 'exact' })),
  },
  { name: 'RendezvousRing', hasWeights: true, build: (nodes) => wrap(new RendezvousRing(nodes)) },
  { name: 'JumpRing', hasWeights: false, build: (nodes) => wrap(new JumpRing(nodes)) },
  { name: 'MaglevRing', hasWeights: true, build: (nodes) => wrap(new MaglevRing(nodes)) },
];

function wrap(ring: Placement): BuiltRing {
  return { lookup: (key) => ring.get(key).id, add: (node) => wrap(ring.with(node)) };
}

function hashringNodes(nodes: readonly WeightedNode[]): Record<string, { weight: number }> {
  return Object.fromEntries(nodes.map(({ id, weight }) => [id, { weight }]));
}

function consistentHashRing(
  ring: ConsistentHash,
  nodes: readonly WeightedNode[],
  pointsPerWeight: number,
): BuiltRing {
  const built: BuiltRing = {
    lookup: (key) => ring.get(key) ?? undefined,
    add: ({ id, weight }) => {
      ring.add(id, weight * pointsPerWeight);
      return built;
    },
  };
  for (const node of nodes) built.add(node);
  return built;
}
