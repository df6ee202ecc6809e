import fc from 'fast-check';
import { updateSettings } from '../index.js';
import { boot, PlannedCluster, type PlannedNode } from '../testing/planned-cluster.js';
import { isEmpty } from './draft.js';

/** Runs are few because each makes some hundred plans. A failure is not made smaller, which would take minutes. */
const RUNS = { numRuns: 5, endOnFailure: true };

const zones = fc.constantFrom('', 'x', 'y', 'z');
const node = fc.record({ zone: zones, weight: fc.constantFrom(1, 1, 2, 5) });
const nodes = fc
  .array(node, { minLength: 1, maxLength: 7 })
  .map((list): PlannedNode[] => list.map((one, i) => ({ ...one, id: `n${i}` })));
const copies = fc.integer({ min: 1, max: 4 });
const change = fc.oneof(
  fc.record({ kind: fc.constantFrom('drain', 'end', 'silence', 'restart'), at: fc.nat(20) }),
  fc.record({ kind: fc.constant('join' as const), node }),
  fc.record({ kind: fc.constant('copies' as const), copies }),
);

/** Settles while it checks that no step costs a copy that is there. */
function settleSafely(cluster: PlannedCluster): void {
  for (let steps = 0; ; steps++) {
    expect(steps).toBeLessThan(500);
    const before = reachableCopies(cluster);
    const plan = cluster.step();
    const { copies } = cluster.topology;
    reachableCopies(cluster).forEach((count, partition) => {
      if (count < Math.min(before[partition] ?? 0, copies)) fail(cluster, partition);
    });
    if (isEmpty(plan)) return;
  }
}

function fail({ topology }: PlannedCluster, partition: number): never {
  throw new Error(`partition ${partition} lost a copy: ${JSON.stringify(topology.partitions[partition])}`);
}

/** Counts copies on nodes that don't drain: those on others are to go. */
function reachableCopies(cluster: PlannedCluster): number[] {
  const stays = new Set(
    cluster.topology.nodes
      .filter(({ state, bootId }) => state !== 'draining' && cluster.isReachable(bootId))
      .map(({ bootId }) => bootId),
  );
  return cluster.topology.partitions.map(({ inSync }) => inSync.filter((copy) => stays.has(copy)).length);
}

/** Checks that each partition with a live copy has as many copies in as many zones as there can be. */
function expectWanted(cluster: PlannedCluster): void {
  const { topology } = cluster;
  const usable = topology.nodes.filter(
    ({ state, bootId }) => state !== 'draining' && cluster.isReachable(bootId),
  );
  const zoneOf = new Map(usable.map(({ id, zone, bootId }) => [bootId, zone === '' ? id : `zone ${zone}`]));
  const wanted = Math.min(topology.copies, usable.length);
  const wantedZones = Math.min(wanted, new Set(zoneOf.values()).size);
  topology.partitions.forEach(({ primary, inSync, learner }, partition) => {
    if (primary === undefined || !cluster.isReachable(primary)) return;
    const kept = inSync.filter((copy) => zoneOf.has(copy));
    const zoneCount = new Set(kept.map((copy) => zoneOf.get(copy))).size;
    expect({ partition, copies: kept.length, zones: zoneCount, learner }).toEqual({
      partition,
      copies: wanted,
      zones: wantedZones,
      learner: undefined,
    });
  });
}

it('plans lead to the wanted copies, then stay; and no step costs a copy', () => {
  fc.assert(
    fc.property(copies, nodes, fc.array(change, { maxLength: 2 }), (count, list, changes) => {
      const cluster = new PlannedCluster(count, list);
      settleSafely(cluster);
      expectWanted(cluster);
      changes.forEach((one, i) => {
        if (one.kind === 'join') cluster.join({ ...one.node, id: `joined${i}` });
        else if (one.kind === 'copies')
          cluster.topology = updateSettings(cluster.topology, { copies: one.copies });
        else {
          const { topology } = cluster;
          const id = topology.nodes[one.at % topology.nodes.length]?.id ?? '';
          if (one.kind === 'restart') cluster.join({ ...cluster.node(id), id });
          else cluster[one.kind](id);
        }
        settleSafely(cluster);
        cluster.nowMs += cluster.settings.replaceAfterMs;
        settleSafely(cluster);
        expectWanted(cluster);
      });
    }),
    RUNS,
  );
});

describe('without zones', () => {
  const plain = fc
    .array(fc.constantFrom(1, 1, 2), { minLength: 2, maxLength: 7 })
    .map((weights): PlannedNode[] => weights.map((weight, i) => ({ weight, id: `n${i}` })));

  /** Returns how far the loads are from their shares, in units of the shares, where the shares can be had. */
  function expectBalance(cluster: PlannedCluster): void {
    const { topology } = cluster;
    const usable = topology.nodes.filter(({ state }) => state !== 'draining');
    const weight = usable.reduce((sum, one) => sum + one.weight, 0);
    const loads = cluster.loads();
    const isEven = usable.every((one) => (topology.copies * one.weight) / weight <= 1);
    for (const { id, weight: own } of usable) {
      const [held, primaries] = loads[id] ?? [0, 0];
      const share = (4096 * own) / weight;
      expect(Math.abs(primaries - share)).toBeLessThanOrEqual(share * 0.05 + 1);
      if (isEven) expect(Math.abs(held - share * topology.copies)).toBeLessThanOrEqual(share * 0.05 * 4 + 1);
    }
  }

  it('copies and primaries follow the weights, and a node that joins or drains moves little more than its share', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 }), plain, (count, list) => {
        const cluster = new PlannedCluster(count, list);
        cluster.settle();
        expectBalance(cluster);
        const wanted = Math.min(count, list.length);
        cluster.join({ id: 'joined' });
        cluster.settle();
        expectBalance(cluster);
        const [taken] = cluster.loads()['joined'] ?? [0];
        const added = 4096 * (Math.min(count, list.length + 1) - wanted);
        expect(cluster.named).toBeLessThanOrEqual(Math.max(taken, added) * 1.1 + 1);
        cluster.drain('joined');
        cluster.settle();
        if (added > 0) {
          // Only with this node can each partition have all its copies, so that it keeps them all.
          expect(cluster.loads()['joined']).toEqual([taken, expect.any(Number)]);
          expect(cluster.named).toBe(0);
          return;
        }
        expectBalance(cluster);
        expect(cluster.named).toBeLessThanOrEqual(taken * 1.25 + 1);
        expect(cluster.loads()['joined']).toEqual([0, 0]);
      }),
      RUNS,
    );
  });
});

it('a thousand nodes need few peers each', () => {
  const cluster = new PlannedCluster(
    2,
    Array.from({ length: 200 }, (_, i) => ({ id: `n${i}` })),
  );
  cluster.settle();
  const peers = new Map([[boot('none'), new Set<string>()]]);
  for (const { inSync } of cluster.topology.partitions) {
    for (const copy of inSync) {
      const others = peers.get(copy) ?? new Set();
      for (const other of inSync) if (other !== copy) others.add(other);
      peers.set(copy, others);
    }
  }
  expect(Math.max(...[...peers.values()].map(({ size }) => size))).toBeLessThanOrEqual(24);
});
