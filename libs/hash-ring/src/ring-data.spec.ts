import fc from 'fast-check';
import { idsOf, weightedNodes } from '../test/arbitraries.js';
import { loadsOf, movesBetween, ownersOf } from '../test/tables.js';
import { diff, HashRing, PARTITION_COUNT } from './index.js';

describe('a ring as JSON', () => {
  it('restores the same ring, also after many changes', () => {
    fc.assert(
      fc.property(weightedNodes({ min: 2, max: 30 }), (nodes) => {
        const ring = new HashRing(nodes.slice(1))
          .with(nodes[0] ?? 'never')
          .withWeight(nodes[1]?.id ?? '', 1.5);
        const back = HashRing.fromJSON(JSON.parse(JSON.stringify(ring)));
        expect(back.nodes).toEqual(ring.nodes);
        expect(ownersOf(back)).toEqual(ownersOf(ring));
      }),
      { numRuns: 15 },
    );
  });

  it('keeps the data of nodes, and accepts them in any order', () => {
    const ring = new HashRing([
      { id: 'a', zone: 'east', port: 1 },
      { id: 'b', zone: 'west', port: 2 },
    ]);
    const { version, nodes, table } = ring.toJSON();
    const back = HashRing.fromJSON({
      version,
      nodes: nodes.toReversed(),
      table: table.map((index) => 1 - index),
    });
    expect(back.nodes).toEqual(ring.nodes);
    expect(ownersOf(back)).toEqual(ownersOf(ring));
    expect(back.get('key').port).toBe(ring.get('key').port);
  });

  const good = new HashRing(['a', 'b']).toJSON();
  it.each<[string, string, unknown]>([
    ['null', 'invalid_json', null],
    ['a string', 'invalid_json', '{}'],
    ['an object without nodes', 'invalid_json', { version: 1, table: good.table }],
    ['a table that is no list', 'invalid_json', { ...good, table: 'aa' }],
    ['another version', 'invalid_json', { ...good, version: 2 }],
    ['a short table', 'invalid_json', { ...good, table: good.table.slice(1) }],
    ['a table with a node too many', 'invalid_json', { ...good, table: good.table.with(7, 2) }],
    ['a table with a fraction', 'invalid_json', { ...good, table: good.table.with(7, 0.5) }],
    ['a table with a text', 'invalid_json', { ...good, table: ['length', ...good.table.slice(1)] }],
    ['no nodes', 'no_nodes', { ...good, nodes: [] }],
    ['two nodes of one id', 'duplicate_node', { ...good, nodes: ['a', 'a'] }],
    ['a weight of 0', 'invalid_weight', { ...good, nodes: [{ id: 'a', weight: 0 }, 'b'] }],
  ])('is refused when it is %s', (_, code, json) => {
    expect(() => HashRing.fromJSON(JSON.parse(JSON.stringify(json)))).toThrow(
      expect.objectContaining({ code }),
    );
  });
});

describe('diff', () => {
  it('tells every partition that changes its owner, and how many per node', () => {
    fc.assert(
      fc.property(weightedNodes({ min: 3, max: 20 }), (nodes) => {
        const before = new HashRing(nodes.slice(0, -1));
        const after = new HashRing(nodes.slice(1));
        const { moves, nodes: perNode } = diff(before, after);
        expect(moves).toEqual(movesBetween(before, after));
        for (const { id, gained, lost } of perNode) {
          expect(gained + lost).toBeGreaterThan(0);
          expect(gained - lost).toBe((loadsOf(after).get(id) ?? 0) - (loadsOf(before).get(id) ?? 0));
        }
        expect(perNode.reduce((sum, { gained }) => sum + gained, 0)).toBe(moves.length);
      }),
      { numRuns: 10 },
    );
  });

  it('is empty for a ring and itself', () => {
    const ring = new HashRing(idsOf(5));
    expect(diff(ring, ring)).toEqual({ moves: [], nodes: [] });
  });
});

describe('stats', () => {
  it('give each share, and how uneven they are', () => {
    const { nodes, maxOverMean, standardDeviation } = new HashRing(['a', { id: 'b', weight: 3 }]).stats();
    expect(nodes.map(({ id, weight, fairShare }) => [id, weight, fairShare])).toEqual([
      ['a', 1, 0.25],
      ['b', 3, 0.75],
    ]);
    expect(nodes.reduce((sum, { partitions }) => sum + partitions, 0)).toBe(PARTITION_COUNT);
    expect(nodes.every(({ partitions, share }) => share === partitions / PARTITION_COUNT)).toBe(true);
    const relative = nodes.map(({ share, fairShare }) => share / fairShare);
    expect(maxOverMean).toBe(Math.max(...relative));
    expect(standardDeviation).toBeCloseTo(Math.abs((relative[0] ?? 0) - (relative[1] ?? 0)) / 2);
  });

  it('are perfect for one node', () => {
    expect(new HashRing(['a']).stats()).toMatchObject({ maxOverMean: 1, standardDeviation: 0 });
  });
});
