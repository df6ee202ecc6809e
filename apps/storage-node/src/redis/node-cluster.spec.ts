import { newTopology, type BootId, type Topology } from '@kvs/topology';
import { boot } from '@kvs/topology/testing';
import { NodeCluster } from './node-cluster.js';

const [a, b, c] = [boot('a'), boot('b'), boot('c')];

/** Node `c` does not listen for Redis clients. Partition 0 is on a and b, 1 on b and c, 2 on c and a, the others nowhere. */
function topologyOf(redisHost: string): Topology {
  const empty = newTopology({ clusterId: 'cluster', copies: 2, minInSync: 1 });
  const others = { zone: '', weight: 1, isDurable: false, starts: 1, state: 'active' as const };
  const entry = (primary: BootId, copy: BootId) => {
    return { epoch: 1, primary, inSync: [copy, primary], learner: undefined };
  };
  return {
    ...empty,
    nodes: [
      { ...others, id: 'a', address: 'a:1', redisAddress: `${redisHost}:7000`, bootId: a },
      { ...others, id: 'b', address: 'b:1', redisAddress: '[::1]:7001', bootId: b },
      { ...others, id: 'c', address: 'c:1', bootId: c },
    ],
    partitions: [entry(a, b), entry(b, c), entry(c, a), ...empty.partitions.slice(3)],
  };
}

interface Member {
  topology: Topology | undefined;
  bootId: BootId | undefined;
  obstacle: string | undefined;
  isServing(partition: number): boolean;
}

it('a node by itself has all slots', () => {
  const cluster = new NodeCluster({
    topology: undefined,
    bootId: undefined,
    obstacle: undefined,
    isServing: () => false,
  });
  cluster.listening({ host: 'here', port: 7000 });
  const map = cluster.current();
  expect(map?.self).toMatchObject({ host: 'here', port: 7000, id: expect.stringMatching(/^[\da-f]{40}$/) });
  expect(map?.copies.length).toBe(4096);
  expect(map?.copies.every(([primary]) => primary === map.self)).toBe(true);
  expect(cluster.hasAllPairs).toBe(true);
});

describe('a node of a cluster', () => {
  const member: Member = {
    topology: undefined,
    bootId: undefined,
    obstacle: 'not joined',
    isServing: (partition) => partition === 1,
  };
  const cluster = new NodeCluster(member);
  cluster.listening({ host: 'here', port: 7000 });

  it('has no map until it has joined', () => {
    expect(cluster.current()).toBeUndefined();
  });

  it('serves what its replica serves', () => {
    expect([0, 1].map((partition) => cluster.serves(partition))).toEqual([false, true]);
  });

  it('names primaries and copies that listen for Redis clients', () => {
    Object.assign(member, { topology: topologyOf('a.example'), bootId: a, obstacle: undefined });
    const map = cluster.current();
    const hosts = map?.copies.slice(0, 4).map((nodes) => nodes.map(({ host, port }) => `${host} ${port}`));
    expect(hosts).toEqual([['a.example 7000', '::1 7001'], ['::1 7001'], [], []]);
    expect(map?.self).toBe(map?.copies[0]?.[0]);
    expect(cluster.hasAllPairs).toBe(false);
  });

  it('makes a map once for each topology', () => {
    const before = cluster.current();
    expect(cluster.current()).toBe(before);
    member.topology = topologyOf('moved.example');
    expect(cluster.current()?.self?.host).toBe('moved.example');
  });
});
