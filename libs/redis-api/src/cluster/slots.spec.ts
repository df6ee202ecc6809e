import type { ClusterMap, ClusterNode } from './cluster-map.js';
import { Slots } from './slots.js';

it('a node serves the partitions whose primary it is, as the map says at the time', () => {
  const self: ClusterNode = { id: 'a', host: 'a', port: 1 };
  const other: ClusterNode = { id: 'b', host: 'b', port: 2 };
  const mapOf = (primaries: readonly ClusterNode[]): ClusterMap => ({
    revision: 1,
    self,
    nodes: [self, other],
    copies: Array.from({ length: 4096 }, (_, i) => [primaries[i % primaries.length] ?? other, self]),
  });
  let map: ClusterMap | undefined;
  const slots = new Slots({ current: () => map, serves: () => false, hasAllPairs: false });
  expect(() => slots.served()).toThrow('The cluster is down');
  expect(slots.otherCopies()).toBe(0);
  map = { ...mapOf([self]), self: undefined };
  expect(() => slots.served()).toThrow('The cluster is down');
  map = mapOf([other, self]);
  expect(slots.served()).toHaveLength(2048);
  expect(slots.served().slice(0, 3)).toEqual([1, 3, 5]);
  map = mapOf([self]);
  expect(slots.served()).toHaveLength(4096);
});

it('the other copies of a node are those of the partition that has fewest', () => {
  const [self, b, c] = ['a', 'b', 'c'].map((id, i): ClusterNode => ({ id, host: id, port: i }));
  if (self === undefined || b === undefined || c === undefined) throw new TypeError('there are three');
  let copies: readonly ClusterNode[][] = [];
  const current = (): ClusterMap => ({ revision: 1, self, nodes: [self, b, c], copies });
  const otherCopies = () => new Slots({ current, serves: () => false, hasAllPairs: false }).otherCopies();
  expect(otherCopies()).toBe(0);
  copies = [[self, b, c], [self, b], [b]];
  expect(otherCopies()).toBe(1);
});
