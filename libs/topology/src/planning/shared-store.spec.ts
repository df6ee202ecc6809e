import { HashRing } from '@kvs/hash-ring';
import { PARTITION_COUNT } from '@kvs/protocol';
import { updateNode } from '../index.js';
import { PlannedCluster } from '../testing/planned-cluster.js';

const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((id) => ({ id, sharedStore: 'store' }));

/** Returns a cluster of nodes that share one store, with all partitions assigned. */
function settled(): PlannedCluster {
  const cluster = new PlannedCluster(
    2,
    [a, b, c].flatMap((node) => node ?? []),
  );
  cluster.settle();
  return cluster;
}

/** Returns how many partitions each node serves, by id. Each partition has one copy, the primary. */
function served(cluster: PlannedCluster): Record<string, number> {
  const loads = Object.entries(cluster.loads());
  expect(loads.map(([, [copies, primaries]]) => copies - primaries)).toEqual(loads.map(() => 0));
  return Object.fromEntries(loads.map(([id, [, primaries]]) => [id, primaries]));
}

function expectEven(counts: readonly number[]): void {
  const fair = PARTITION_COUNT / counts.length;
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(PARTITION_COUNT);
  for (const count of counts) expect(Math.abs(count - fair)).toBeLessThanOrEqual(fair / 10);
}

describe('nodes that share a store', () => {
  it('get the partitions that the ring gives them', () => {
    const { topology } = settled();
    const ring = new HashRing(['a', 'b', 'c']);
    const idOf = new Map(topology.nodes.map(({ id, bootId }) => [bootId, id]));
    topology.partitions.forEach(({ primary }, partition) => {
      expect(primary && idOf.get(primary)).toBe(ring.owner(partition).id);
    });
  });

  it('get no partition before all nodes of the list have come', () => {
    const cluster = new PlannedCluster(1, [{ id: 'a', sharedStore: 's' }], {
      expectedNodes: ['127.0.0.1:b'],
    });
    expect(cluster.plan().requests).toEqual([]);
  });

  it('replace a node that is silent, and give the partitions back to it', () => {
    const cluster = settled();
    const before = served(cluster);
    const { bootId } = cluster.node('a');
    cluster.silence('a');
    cluster.step(1500);
    expect(served(cluster)).toEqual(before);
    expect(cluster.step(1100).stalled).toEqual([]);
    expectEven([served(cluster)['b'] ?? 0, served(cluster)['c'] ?? 0]);
    cluster.join({ id: 'a', sharedStore: 'store' });
    expect(cluster.node('a').bootId).not.toBe(bootId);
    cluster.settle();
    expect(served(cluster)).toEqual(before);
  });

  it('share out the partitions of a node that is drained at once', () => {
    const cluster = settled();
    cluster.drain('a');
    cluster.step();
    expect(served(cluster)['a']).toBe(0);
    cluster.topology = updateNode(cluster.topology, 'a', { state: 'active' });
    cluster.step();
    expectEven(Object.values(served(cluster)));
  });

  it('give a node that joins its share at once', () => {
    const cluster = settled();
    if (d !== undefined) cluster.join(d);
    cluster.step();
    expectEven(Object.values(served(cluster)));
    cluster.settle();
    expect(cluster.node('d').state).toBe('active');
  });

  it('serve while they are drained if no other node is there', () => {
    const cluster = settled();
    for (const id of ['a', 'b']) cluster.drain(id);
    cluster.step();
    expect(served(cluster)).toEqual({ a: 0, b: 0, c: PARTITION_COUNT });
    cluster.silence('c');
    expect(cluster.step(5000).stalled).toEqual([]);
    expectEven([served(cluster)['a'] ?? 0, served(cluster)['b'] ?? 0]);
    const { requests, stalled } = cluster.step();
    expect([requests, stalled]).toEqual([[], []]);
  });

  it('keep their partitions while all of them are silent, and are waited for', () => {
    const cluster = settled();
    const before = served(cluster);
    const awaited = ['a', 'b', 'c'].map((id) => cluster.silence(id));
    const { requests, stalled } = cluster.step(10_000);
    expect(requests).toEqual([]);
    expect(stalled).toHaveLength(PARTITION_COUNT);
    expect(stalled[0]).toEqual({ partition: 0, state: 'unavailable', awaited });
    expect(served(cluster)).toEqual(before);
  });
});
