import fc from 'fast-check';
import { ids, keys, weightedNodes, type WeightedNode } from '../../test/arbitraries.js';
import {
  hash32,
  HashRing,
  JumpRing,
  KetamaRing,
  MaglevRing,
  RendezvousRing,
  type Hash32,
  type Placement,
  type WeightedPlacement,
} from '../index.js';

type Make<P> = (nodes: readonly (string | { id: string; weight?: number; zone?: string })[]) => P;

const weighted: [string, Make<WeightedPlacement>][] = [
  ['partitions', (nodes) => new HashRing(nodes)],
  ['ketama', (nodes) => new KetamaRing(nodes)],
  ['rendezvous', (nodes) => new RendezvousRing(nodes)],
  ['maglev', (nodes) => new MaglevRing(nodes, { tableSize: 4099 })],
];
const all: [string, Make<Placement>][] = [...weighted, ['jump', (nodes) => new JumpRing(nodes)]];

const NO_KEYS = [42, NaN, 1n, null, undefined, true, {}, ['a'], new Float64Array(1), new ArrayBuffer(1)];

const sampleKeys = Array.from({ length: 2000 }, (_, index) => `key-${index}`);
const runs = { numRuns: 12 };

describe.each(all)('%s', (name, make) => {
  it('gives every key one of its nodes, the same for a string and for its bytes', () => {
    fc.assert(
      fc.property(ids({ max: 20 }), fc.string({ unit: 'binary' }), (nodes, key) => {
        const placement = make(nodes);
        expect(nodes).toContain(placement.get(key).id);
        expect(placement.get(new TextEncoder().encode(key))).toBe(placement.get(key));
      }),
      runs,
    );
  });

  it('lists distinct nodes by preference, first the one that has the key, and fewer are the first of more', () => {
    fc.assert(
      fc.property(ids({ max: 12 }), keys, (nodes, key) => {
        const placement = make(nodes);
        const everyone = placement.getN(key, nodes.length);
        expect(everyone[0]).toBe(placement.get(key));
        expect(new Set(everyone).size).toBe(nodes.length);
        for (let count = 1; count < nodes.length; count++) {
          expect(placement.getN(key, count)).toEqual(everyone.slice(0, count));
        }
      }),
      runs,
    );
  });

  it('spreads replicas over zones as far as there are any, unless told not to', () => {
    const zoned = fc.uniqueArray(fc.record({ id: fc.uuid(), zone: fc.constantFrom('a', 'b', 'c') }), {
      minLength: 1,
      maxLength: 12,
      selector: ({ id }) => id,
    });
    fc.assert(
      fc.property(zoned, keys, (nodes, key) => {
        const placement = make(nodes);
        const zones = new Set(nodes.map(({ zone }) => zone)).size;
        for (let count = 1; count <= nodes.length; count++) {
          const chosen = placement.getN(key, count);
          expect(chosen[0]).toBe(placement.get(key));
          expect(new Set(chosen.map(({ zone }) => zone)).size).toBe(Math.min(count, zones));
        }
        const byPreference = make(nodes.map(({ id }) => id)).getN(key, nodes.length);
        const unspread = placement.getN(key, nodes.length, { spreadZones: false });
        expect(unspread.map(({ id }) => id)).toEqual(byPreference.map(({ id }) => id));
      }),
      runs,
    );
  });

  it('shares many keys out in proportion, within the luck of the draw', () => {
    const nodes = Array.from({ length: 10 }, (_, index) => `node-${index}`);
    const placement = make(nodes);
    const counts = new Map<string, number>();
    for (let n = 0; n < 50_000; n++) {
      const { id } = placement.get(`key-${n}`);
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    const limit = name === 'ketama' ? 1.3 : 1.08;
    expect(Math.max(...counts.values()) / 5000).toBeLessThan(limit);
    expect(Math.min(...counts.values()) / 5000).toBeGreaterThan(2 - limit);
  });

  it('moves about its share of the keys to a node that is added at the end', () => {
    const nodes = Array.from({ length: 10 }, (_, index) => `node-${index}`);
    const moves = movesBetween(make(nodes), make(nodes).with('node-x'));
    const strayed = moves.filter(({ to }) => to !== 'node-x');
    expect(moves.length / sampleKeys.length).toBeLessThan(name === 'maglev' ? 0.2 : 0.13);
    expect(strayed.length / sampleKeys.length).toBeLessThanOrEqual(name === 'maglev' ? 0.07 : 0);
  });

  it('is the same after a node was added and removed', () => {
    const nodes = Array.from({ length: 6 }, (_, index) => `node-${index}`);
    const before = make(nodes);
    const after = before.with('node-x').without('node-x');
    expect(after.nodes).toEqual(before.nodes);
    expect(movesBetween(before, after).length / sampleKeys.length).toBeLessThan(
      name === 'partitions' ? 0.02 : 1e-9,
    );
  });

  it('refuses nonsense with the codes of all', () => {
    expect(() => make([])).toThrow(expect.objectContaining({ code: 'no_nodes' }));
    expect(() => make(['a', 'a'])).toThrow(expect.objectContaining({ code: 'duplicate_node' }));
    expect(() => make([{ id: 'a', weight: 0 }])).toThrow(expect.objectContaining({ code: 'invalid_weight' }));
    expect(() => make(['a', 'b']).with('a')).toThrow(expect.objectContaining({ code: 'duplicate_node' }));
    expect(() => make(['a']).without('b')).toThrow(expect.objectContaining({ code: 'unknown_node' }));
    expect(() => make(['a']).without('a')).toThrow(expect.objectContaining({ code: 'no_nodes' }));
    expect(() => make(['a']).getN('key', 2)).toThrow(expect.objectContaining({ code: 'not_enough_nodes' }));
    expect(() => make(['a']).getN('key', 0)).toThrow(expect.objectContaining({ code: 'invalid_count' }));
    expect(() => make(['a']).getN('key', 0.5)).toThrow(expect.objectContaining({ code: 'invalid_count' }));
    expect(() => make(['a']).getN('key', Infinity)).toThrow(
      expect.objectContaining({ code: 'invalid_count' }),
    );
  });

  it.each(NO_KEYS)('refuses the key %p, as a caller without types may give it', (key) => {
    const placement = make(['a', 'b']);
    const refusal = expect.objectContaining({ code: 'invalid_key', name: 'HashRingError' });
    expect(() => Reflect.apply(placement.get, placement, [key])).toThrow(refusal);
    expect(() => Reflect.apply(placement.getN, placement, [key, 1])).toThrow(refusal);
  });

  it.each<[string, string, unknown]>([
    ['nodes that are no list', 'no_nodes', 7],
    ['one text for the nodes', 'no_nodes', 'localhost:3000'],
    ['null for the nodes', 'no_nodes', null],
    ['an object for the nodes', 'invalid_node', { length: 2 }],
    ['a number for a node', 'invalid_node', [1]],
    ['a number for an id', 'invalid_node', [{ id: 1 }]],
    ['a lone surrogate in an id', 'invalid_node', ['a', 'b\ud800']],
    ['a weight that is text', 'invalid_weight', [{ id: 'a', weight: '1' }]],
    ['a weight of null', 'invalid_weight', [{ id: 'a', weight: null }]],
    ...[NaN, Infinity, -1, 1e308, 1e-320].map((weight): [string, string, unknown] => [
      `weights of ${weight}`,
      'invalid_weight',
      [
        { id: 'a', weight },
        { id: 'b', weight },
      ],
    ]),
  ])('refuses %s', (_, code, nodes) => {
    expect(() => Reflect.apply(make, undefined, [nodes])).toThrow(
      expect.objectContaining({ code, name: 'HashRingError' }),
    );
  });
});

describe.each(weighted)('%s with weights', (name, make) => {
  it('gives each node its share by weight', () => {
    const nodes = [1, 2, 3, 4].map((weight) => ({ id: `node-${weight}`, weight }));
    const placement = make(nodes);
    const keyCount = 50_000;
    const counts = new Map<string, number>();
    for (let n = 0; n < keyCount; n++) {
      const { id } = placement.get(`key-${n}`);
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    const tolerance = name === 'ketama' ? 0.3 : 0.08;
    for (const { id, weight } of nodes) {
      expect(Math.abs((counts.get(id) ?? 0) / ((keyCount * weight) / 10) - 1)).toBeLessThan(tolerance);
    }
  });

  it('takes and gives weights', () => {
    const placement = make(['a', 'b', 'c']).withWeight('b', 2);
    expect(placement.nodes.map(({ id, weight }) => [id, weight])).toEqual([
      ['a', 1],
      ['b', 2],
      ['c', 1],
    ]);
    expect(() => placement.withWeight('d', 1)).toThrow(expect.objectContaining({ code: 'unknown_node' }));
    expect(() => placement.withWeight('a', -1)).toThrow(expect.objectContaining({ code: 'invalid_weight' }));
  });
});

describe('rendezvous', () => {
  it('moves only keys to or from the node that is added, removed or changed', () => {
    fc.assert(
      fc.property(
        weightedNodes({ min: 2, max: 20 }),
        fc.double({ min: 0.25, max: 4, noNaN: true }),
        (nodes, weight) => {
          const [{ id, weight: oldWeight } = { id: '', weight: 1 }, ...others] = nodes;
          const whole = new RendezvousRing(nodes);
          const less = new RendezvousRing(others);
          expect(movesBetween(less, whole).every(({ to }) => to === id)).toBe(true);
          expect(movesBetween(whole, less).every(({ from }) => from === id)).toBe(true);
          const changed = movesBetween(whole, whole.withWeight(id, weight));
          expect(changed.every(({ from, to }) => (weight > oldWeight ? to : from) === id)).toBe(true);
        },
      ),
      runs,
    );
  });
});

describe.each([
  ['partitions', (nodes: readonly WeightedNode[]) => new HashRing(nodes)],
  ['rendezvous', (nodes: readonly WeightedNode[]) => new RendezvousRing(nodes)],
  ['maglev', (nodes: readonly WeightedNode[]) => new MaglevRing(nodes, { tableSize: 4099 })],
])('%s', (_, make) => {
  it('is the same whatever the order of the nodes', () => {
    fc.assert(
      fc.property(weightedNodes({ min: 2, max: 20 }), (nodes) => {
        expect(movesBetween(make(nodes), make(nodes.toReversed()))).toEqual([]);
      }),
      runs,
    );
  });
});

describe.each<[string, (hash: Hash32) => Placement]>([
  ['partitions', (hash) => new HashRing(['a', 'b', 'c'], { hash })],
  ['rendezvous', (hash) => new RendezvousRing(['a', 'b', 'c'], { hash })],
  ['maglev', (hash) => new MaglevRing(['a', 'b', 'c'], { hash, tableSize: 4099 })],
  ['jump', (hash) => new JumpRing(['a', 'b', 'c'], { hash })],
])('%s with another hash', (_, make) => {
  it('takes its result modulo 2³²', () => {
    const signed = make((key) => hash32(key) | 0);
    expect(movesBetween(make(hash32), signed)).toEqual([]);
  });

  it.each(NO_KEYS)('refuses the key %p', (key) => {
    const placement = make(() => 1);
    expect(() => Reflect.apply(placement.get, placement, [key])).toThrow(
      expect.objectContaining({ code: 'invalid_key' }),
    );
  });
});

function movesBetween(before: Placement, after: Placement) {
  return sampleKeys
    .map((key) => ({ from: before.get(key).id, to: after.get(key).id }))
    .filter(({ from, to }) => from !== to);
}
