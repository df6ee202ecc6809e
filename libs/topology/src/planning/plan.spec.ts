import { HashRing } from '@kvs/hash-ring';
import { MAX_TIME_MS, MAX_VERSION, MAX_WEIGHT, MIN_WEIGHT } from '@kvs/protocol';
import {
  applyRequests,
  newTopology,
  plan,
  updateSettings,
  type BootId,
  type Plan,
  type PlanSettings,
} from '../index.js';
import { boot, PlannedCluster, reportOf } from '../testing/planned-cluster.js';
import { isEmpty } from './draft.js';

const three = [{ id: 'a' }, { id: 'b' }, { id: 'c' }];

function settled(copies = 2, nodes: ConstructorParameters<typeof PlannedCluster>[1] = three): PlannedCluster {
  const cluster = new PlannedCluster(copies, nodes);
  cluster.settle();
  return cluster;
}

/** Returns the kinds of the requests of a plan, with how many there are. */
function kindsOf({ requests }: Plan): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { change } of requests) counts[change.kind] = (counts[change.kind] ?? 0) + 1;
  return counts;
}

/** Returns how many partitions have all their copies in sync on one of these nodes. */
function heldOnlyBy({ topology, node }: PlannedCluster, ...ids: string[]): number {
  const boots = ids.map((id) => node.call({ topology }, id).bootId);
  return topology.partitions.filter(({ inSync }) => inSync.every((copy) => boots.includes(copy))).length;
}

it('copies are made and removed when their number changes', () => {
  const cluster = settled();
  for (const copies of [3, 1, 2]) {
    cluster.topology = updateSettings(cluster.topology, { copies });
    cluster.settle();
    expect(new Set(cluster.topology.partitions.map(({ inSync }) => inSync.length))).toEqual(
      new Set([copies]),
    );
    const primaries = Object.values(cluster.loads()).map(([, count]) => count);
    for (const count of primaries) expect(Math.abs(count - 4096 / 3)).toBeLessThanOrEqual(4096 / 3 / 20 + 1);
    expect(cluster.plan().stalled).toEqual([]);
  }
});

it('a copy is not removed while another one that is to stay is out of reach', () => {
  const cluster = settled(3);
  cluster.topology = updateSettings(cluster.topology, { copies: 2 });
  const silent = cluster.silence('b');
  cluster.nowMs += 3500;
  const orders = [...cluster.plan().orders.values()].flat();
  expect(orders).not.toEqual([]);
  expect(orders.filter((order) => order.kind !== 'remove' || order.copy !== silent)).toEqual([]);
});

describe('the first assignment', () => {
  it('is made of the least and the greatest weight', () => {
    const weights = [MIN_WEIGHT, 1, MAX_WEIGHT];
    const cluster = settled(
      2,
      weights.map((weight, i) => ({ id: `n${i}`, weight })),
    );
    const copies = Object.values(cluster.loads()).map(([held]) => held);
    expect(copies[0]).toBeLessThan(10);
    expect(copies.reduce((sum, count) => sum + count)).toBe(2 * 4096);
  });

  it('has the primaries where a fixed list of nodes has its pairs', () => {
    const ring = new HashRing(['a', 'b', 'c']);
    const cluster = new PlannedCluster(2, three);
    const owner = cluster.node(ring.owner(5).id);
    cluster.setHeld(owner.bootId, [{ partition: 5, position: { epoch: 0, number: 0 } }]);
    cluster.step();
    const idOf = new Map(cluster.topology.nodes.map(({ id, bootId }) => [bootId, id]));
    cluster.topology.partitions.forEach(({ primary }, partition) => {
      expect(primary && idOf.get(primary)).toBe(ring.owner(partition).id);
    });
  });

  it('has all copies at once, except where a node has pairs already', () => {
    const cluster = new PlannedCluster(2, three);
    cluster.setHeld(cluster.node('a').bootId, [{ partition: 5, position: { epoch: 0, number: 0 } }]);
    cluster.step();
    const counts = cluster.topology.partitions.map(({ inSync }) => inSync.length);
    expect(counts).toEqual(counts.map((_, partition) => (partition === 5 ? 1 : 2)));
  });

  it('begins at the process with the newest pairs, if one has any', () => {
    const cluster = new PlannedCluster(1, three);
    const [old, newer] = [cluster.node('a').bootId, cluster.node('b').bootId];
    cluster.setHeld(old, [{ partition: 5, position: { epoch: 3, number: 9 } }]);
    cluster.setHeld(newer, [{ partition: 5, position: { epoch: 4, number: 1 } }]);
    cluster.step();
    expect(cluster.topology.partitions[5]?.primary).toBe(newer);
  });

  it('begins at a draining node if it alone has pairs', () => {
    const cluster = new PlannedCluster(1, three, { expectedNodes: ['127.0.0.1:a'] });
    cluster.drain('a');
    const { bootId } = cluster.node('a');
    cluster.setHeld(bootId, [{ partition: 5, position: { epoch: 0, number: 0 } }]);
    cluster.step();
    expect(cluster.topology.partitions[5]?.primary).toBe(bootId);
  });

  it('begins at the owner by the ring if several processes have equally new pairs', () => {
    const held = [{ partition: 5, position: { epoch: 0, number: 0 } }];
    const cluster = new PlannedCluster(1, three);
    for (const id of ['a', 'b', 'c']) cluster.setHeld(cluster.node(id).bootId, held);
    cluster.step();
    const owner = new HashRing(['a', 'b', 'c']).owner(5).id;
    expect(cluster.topology.partitions[5]?.primary).toBe(cluster.node(owner).bootId);
  });

  it.each<[string, number, Partial<PlanSettings>, number, boolean]>([
    ['nodes of the list have not come', 1, { expectedNodes: ['127.0.0.1:d'] }, 60_000, false],
    ['a node came just now', 1, {}, -19_000, false],
    ['there are fewer nodes than copies', 4, {}, -15_000, false],
    ['there are as many nodes as copies', 3, {}, -15_000, true],
    ['too few nodes came for a while', 4, {}, 0, true],
  ])('waits or goes on if %s', (_, copies, settings, laterMs, isAssigned) => {
    const cluster = new PlannedCluster(copies, three, settings);
    cluster.nowMs += laterMs;
    expect(cluster.plan().requests.length > 0).toBe(isAssigned);
  });
});

describe('a primary out of reach', () => {
  it('is followed by a copy in sync, after a while', () => {
    const cluster = settled();
    const bootId = cluster.silence('a');
    cluster.nowMs += 3500;
    expect(kindsOf(cluster.plan())).toEqual({});
    cluster.nowMs += 1000;
    const count = cluster.topology.partitions.filter(({ primary }) => primary === bootId).length;
    expect(kindsOf(cluster.plan())).toEqual({ promote: count });
  });

  it('is followed by a copy in reach only', () => {
    const cluster = settled(3);
    for (const id of ['a', 'b']) cluster.silence(id);
    cluster.nowMs += 5000;
    const { requests } = cluster.plan();
    const copy = cluster.node('c').bootId;
    expect(requests.length).toBeGreaterThan(2000);
    expect(requests.filter(({ change }) => change.kind !== 'promote' || change.copy !== copy)).toEqual([]);
  });

  it('is followed at once if it has ended', () => {
    const cluster = settled();
    cluster.end('a');
    expect(kindsOf(cluster.plan())['promote']).toBeGreaterThan(1000);
  });

  it('without another copy leaves its partitions unavailable', () => {
    const cluster = settled(1);
    const bootId = cluster.silence('a');
    cluster.nowMs += 100_000;
    const { requests, stalled } = cluster.plan();
    expect(requests).toEqual([]);
    expect(stalled.length).toBeGreaterThan(1000);
    expect(stalled[0]).toMatchObject({ state: 'unavailable', awaited: [bootId] });
  });
});

describe('a node that is away', () => {
  it('is waited for, and then replaced', () => {
    const cluster = settled();
    cluster.silence('a');
    cluster.nowMs += 5000;
    cluster.settle();
    expect(cluster.named).toBe(0);
    cluster.nowMs += 60_000;
    cluster.settle();
    expect(cluster.loads()).toMatchObject({ a: [0, 0], b: [4096, expect.any(Number)] });
  });

  it('has no share if it had not joined completely', () => {
    const cluster = settled();
    const bootId = cluster.join({ id: 'd' });
    expect(cluster.plan().shares.get(bootId)?.fair).toBe(2048);
    cluster.silence('d');
    cluster.nowMs += 5000;
    expect(cluster.plan().shares.get(bootId)?.fair).toBe(0);
  });

  it('gets its copies again if it is back in time', () => {
    const cluster = settled();
    cluster.end('a');
    cluster.settle();
    cluster.join({ id: 'a' });
    cluster.settle();
    expect(cluster.loads()['a']?.[0]).toBeGreaterThan(2500);
  });

  it('keeps its share if it is back and has not reported yet', () => {
    const cluster = settled(2, [...three, { id: 'd' }]);
    cluster.end('d');
    cluster.settle();
    cluster.join({ id: 'd' });
    cluster.silence('d');
    expect(cluster.plan().requests).toEqual([]);
  });
});

describe('a node that leaves', () => {
  const two = [{ id: 'a' }, { id: 'b' }];

  /** Another copy takes over each of its partitions. */
  function handOver(cluster: PlannedCluster, from: BootId): void {
    const promotions = cluster.topology.partitions.flatMap(({ epoch, primary, inSync }, partition) => {
      const [copy] = inSync.filter((one) => one !== from);
      if (primary !== from || copy === undefined) return [];
      return [{ partition, epoch, change: { kind: 'promote', copy, instead: from } as const }];
    });
    cluster.topology = applyRequests(cluster.topology, promotions);
  }

  it('gets no partition back that it has handed over', () => {
    const cluster = settled(2, two);
    cluster.leave('b');
    handOver(cluster, cluster.node('b').bootId);
    cluster.settle();
    expect(cluster.loads()).toEqual({ a: [4096, 4096], b: [0, 0] });
  });

  it('has its copies removed once it serves nothing, and others make none, because it may start again', () => {
    const cluster = settled();
    const { bootId } = cluster.node('b');
    cluster.leave('b');
    const removed = () => [...cluster.plan().orders.values()].flat().filter(({ kind }) => kind === 'remove');
    expect(removed()).toEqual([]);
    handOver(cluster, bootId);
    expect(new Set(removed().map((order) => order.kind === 'remove' && order.copy))).toEqual(
      new Set([bootId]),
    );
    expect(removed().length).toBeGreaterThan(2000);
    cluster.settle();
    expect(cluster.loads()['b']).toEqual([0, 0]);
    expect(cluster.named).toBe(0);
  });

  it('keeps its copies of partitions whose primary leaves too', () => {
    const cluster = settled(2, two);
    for (const id of ['a', 'b']) cluster.leave(id);
    handOver(cluster, cluster.node('b').bootId);
    expect(cluster.plan().orders.size).toBe(0);
  });

  it('is not followed by another node that leaves', () => {
    const cluster = settled();
    cluster.leave('b');
    cluster.end('a');
    const before = cluster.loads()['b']?.[1];
    expect(kindsOf(cluster.step())['promote']).toBeGreaterThan(0);
    expect(cluster.loads()['b']?.[1]).toBe(before);
  });

  it('is not filled any more, and its only copies are made elsewhere', () => {
    const cluster = settled(2, [{ id: 'a' }]);
    cluster.isFilled = () => false;
    const b = cluster.join({ id: 'b' });
    cluster.step();
    expect(learners(cluster)).toEqual(new Set([b]));
    cluster.leave('b');
    cluster.step();
    expect(learners(cluster)).toEqual(new Set());
    const c = cluster.join({ id: 'c' });
    cluster.leave('a');
    cluster.step();
    expect(learners(cluster)).toEqual(new Set([c]));
  });

  it('and another one with the only other copy have their pairs copied elsewhere', () => {
    const cluster = settled(
      2,
      ['a', 'b', 'c', 'd'].map((id) => ({ id })),
    );
    for (const id of ['a', 'b']) cluster.leave(id);
    cluster.settle();
    expect(heldOnlyBy(cluster, 'a', 'b')).toBe(0);
    expect(cluster.topology.partitions.filter(({ inSync }) => inSync.length > 3)).toEqual([]);
  });

  it.each([
    ['keep their pairs in directories', 2, true],
    ['have the only copies by the settings', 1, false],
  ])('and another one lose nothing if they %s', (_, copies, isDurable) => {
    const cluster = settled(
      copies,
      ['a', 'b', 'c', 'd'].map((id) => ({ id, isDurable })),
    );
    for (const id of ['a', 'b']) cluster.leave(id);
    expect(kindsOf(cluster.plan())).toEqual({});
  });

  it('has its only copies made elsewhere, although the other one that left has ended and keeps its share', () => {
    const cluster = settled(
      2,
      ['a', 'b', 'c', 'd'].map((id) => ({ id })),
    );
    for (const id of ['a', 'b']) cluster.leave(id);
    const ended = cluster.end('b');
    cluster.settle();
    const a = cluster.node('a').bootId;
    const served = cluster.topology.partitions.filter(({ primary }) => primary === a);
    expect(served.filter(({ inSync }) => inSync.every((copy) => copy === a || copy === ended))).toEqual([]);
  });

  function learners({ topology }: PlannedCluster): ReadonlySet<string> {
    return new Set(topology.partitions.flatMap(({ learner }) => learner ?? []));
  }
});

describe('a partition whose in-sync copies are gone', () => {
  /** All partitions are on `a` alone, and `b` and `c` came later. */
  function lost(settings: Partial<PlanSettings> = {}, isDurable = false) {
    const cluster = new PlannedCluster(1, [{ id: 'a', isDurable }], settings);
    cluster.settle();
    cluster.end('a');
    for (const id of ['b', 'c']) cluster.join({ id });
    return cluster;
  }

  /** Returns the primaries that a plan starts partitions with, by partition. */
  const startsOf = ({ requests }: Plan) =>
    new Map(
      requests.flatMap(({ partition, change }) =>
        change.kind === 'start' ? [[partition, change.primary]] : [],
      ),
    );

  it('starts empty if every process has ended', () => {
    expect(startsOf(lost().plan()).size).toBe(4096);
  });

  it('starts from the newest older copy', () => {
    const cluster = lost();
    const { bootId } = cluster.node('c');
    cluster.setHeld(cluster.node('b').bootId, [{ partition: 7, position: { epoch: 2, number: 8 } }]);
    cluster.setHeld(bootId, [{ partition: 7, position: { epoch: 2, number: 9 } }]);
    expect(startsOf(cluster.plan()).get(7)).toBe(bootId);
  });

  it('starts from the learner if it has all pairs up to a position', () => {
    const cluster = lost();
    const learner = cluster.node('c').bootId;
    const partitions = cluster.topology.partitions.map((entry, i) =>
      i === 7 ? { ...entry, learner } : entry,
    );
    cluster.topology = { ...cluster.topology, partitions };
    cluster.setHeld(learner, [{ partition: 7, position: { epoch: 2, number: 9 } }]);
    cluster.step();
    const { primary, inSync, learner: next, isAfterLoss } = cluster.topology.partitions[7] ?? {};
    expect([primary, inSync, next, isAfterLoss]).toEqual([learner, [learner], undefined, true]);
  });

  it('starts from an older copy on a draining node, which is then emptied', () => {
    const cluster = lost();
    cluster.drain('c');
    const { bootId } = cluster.node('c');
    cluster.setHeld(bootId, [{ partition: 7, position: { epoch: 2, number: 9 } }]);
    const starts = startsOf(cluster.step());
    expect([starts.size, starts.get(7)]).toEqual([4096, bootId]);
    cluster.setHeld(bootId, []);
    cluster.nowMs += 60_000; // the share of the first node is kept for so long
    cluster.settle();
    expect(cluster.loads()).toMatchObject({ b: [4096, 4096], c: [0, 0] });
  });

  it('waits for a node that is away and may have pairs', () => {
    const cluster = lost();
    const bootId = cluster.silence('b');
    cluster.nowMs += 5000;
    expect(cluster.plan().stalled[7]).toEqual({ partition: 7, state: 'lost', awaited: [bootId] });
    const holder = cluster.node('c').bootId;
    cluster.setHeld(holder, [{ partition: 7, position: { epoch: 2, number: 9 } }]);
    expect(startsOf(cluster.plan())).toEqual(new Map());
    cluster.nowMs += 60_000;
    expect(startsOf(cluster.plan())).toEqual(new Map([[7, holder]]));
  });

  it('waits for a node that has not reported yet', () => {
    const cluster = lost();
    const bootId = cluster.join({ id: 'd' });
    cluster.silence('d');
    expect(cluster.plan().stalled[7]).toEqual({ partition: 7, state: 'lost', awaited: [bootId] });
  });

  it('waits for a node that may not know yet that it is no copy any more', () => {
    const cluster = lost();
    const { bootId } = cluster.node('b');
    const epoch = cluster.topology.partitions[7]?.epoch ?? 0;
    cluster.setKnown(bootId, epoch - 1);
    expect(cluster.plan().stalled[7]).toEqual({ partition: 7, state: 'lost', awaited: [bootId] });
    cluster.setKnown(bootId, epoch);
    expect(startsOf(cluster.plan()).has(7)).toBe(true);
  });

  it('waits for a directory, whatever the settings', () => {
    const cluster = lost({}, true);
    const { stalled, requests } = cluster.plan();
    expect(requests).toEqual([]);
    expect(stalled).toHaveLength(4096);
    expect(stalled[7]?.awaited).toContain(cluster.node('a').bootId);
  });

  it('stays offline if an operator decided so', () => {
    const { stalled, requests } = lost({ whenLost: 'offline' }).plan();
    expect(requests).toEqual([]);
    expect(stalled).toHaveLength(4096);
  });
});

describe('a move', () => {
  it('does not go to a node without memory for it', () => {
    const cluster = settled(1, [{ id: 'a' }]);
    cluster.setBytes('a', 4096 * 1000, 0);
    cluster.join({ id: 'b' });
    cluster.setBytes('b', 0, 10_000);
    expect(kindsOf(cluster.plan())).toEqual({ nameLearner: 9 });
  });

  it.each([
    ['a sender', ['a'], ['b', 'c']],
    ['a receiver', ['a', 'b'], ['c']],
  ])('is one of few of %s, in bytes, those that run included', (_, senders, receivers) => {
    const cluster = settled(
      1,
      senders.map((id) => ({ id })),
    );
    cluster.isFilled = () => false;
    for (const id of senders) cluster.setBytes(id, (4096 / senders.length) * 2 ** 24, 0);
    for (const id of receivers) {
      cluster.join({ id });
      cluster.setBytes(id, 0, 2 ** 40);
    }
    expect(kindsOf(cluster.step())).toEqual({ nameLearner: 4 });
    expect(kindsOf(cluster.plan())).toEqual({});
  });

  it('is one of few of all nodes together, in bytes', () => {
    const ids = (prefix: string) => Array.from({ length: 20 }, (_, i) => `${prefix}${i}`);
    const cluster = settled(
      1,
      ids('a').map((id) => ({ id })),
    );
    for (const id of ids('a')) cluster.setBytes(id, 204 * 2 ** 26, 0);
    for (const id of ids('b')) {
      cluster.join({ id });
      cluster.setBytes(id, 0, 2 ** 40);
    }
    expect(kindsOf(cluster.plan())).toEqual({ nameLearner: 16 });
  });

  it('of an empty partition is one of 256, or of 128 while a node is drained', () => {
    const cluster = settled(1, [{ id: 'a' }]);
    cluster.join({ id: 'b' });
    expect(kindsOf(cluster.plan())).toEqual({ nameLearner: 256 });
    cluster.drain('a');
    expect(kindsOf(cluster.plan())).toEqual({ nameLearner: 128 });
  });

  it('does not go to a node that has not reported yet', () => {
    const cluster = settled(1, [{ id: 'a' }]);
    cluster.join({ id: 'b' });
    cluster.silence('b');
    expect(kindsOf(cluster.plan())).toEqual({});
  });

  it('of a partition too large for the limit still goes on, alone', () => {
    const cluster = settled(1, [{ id: 'a' }]);
    cluster.setBytes('a', 4096 * 2 ** 30, 0);
    cluster.join({ id: 'b' });
    cluster.setBytes('b', 0, 2 ** 50);
    expect(kindsOf(cluster.plan())).toEqual({ nameLearner: 1 });
  });

  it('that failed is undone, and not tried again for a while', () => {
    const cluster = settled(1, [{ id: 'a' }]);
    const learner = cluster.join({ id: 'b' });
    cluster.setBytes('a', 4096 * 2 ** 30, 0);
    const [request] = cluster.plan().requests;
    cluster.topology = {
      ...cluster.topology,
      partitions: cluster.topology.partitions.map((entry, i) =>
        i === request?.partition ? { ...entry, learner } : entry,
      ),
    };
    cluster.failed.add(`${request?.partition} ${learner}`);
    expect(cluster.plan().requests).toContainEqual({
      ...request,
      change: { kind: 'withdrawLearner', learner },
    });
    const ofPartition = (plan: Plan) =>
      plan.requests.filter(({ partition }) => partition === request?.partition);
    expect(ofPartition(cluster.step())).toHaveLength(1);
    expect(ofPartition(cluster.plan())).toEqual([]);
  });
});

it('a drained node has no role left, and hands few partitions over at once', () => {
  const cluster = settled();
  cluster.drain('a');
  const handOvers: number[] = [];
  for (let plan = cluster.step(); !isEmpty(plan); plan = cluster.step()) {
    const orders = plan.orders.get(cluster.node('a').bootId) ?? [];
    handOvers.push(orders.filter(({ kind }) => kind === 'handOver').length);
  }
  expect(Math.max(...handOvers)).toBe(64);
  expect(cluster.loads()['a']).toEqual([0, 0]);
  expect(heldOnlyBy(cluster, 'b', 'c')).toBe(4096);
});

it('a hand-over of a drained node that failed is not tried again for a while', () => {
  const cluster = settled(1, [{ id: 'a' }]);
  const successor = cluster.join({ id: 'b' });
  cluster.drain('a');
  cluster.step();
  const ordered = () => [...cluster.plan().orders.values()].flat().map(({ partition }) => partition);
  const [failed, ...others] = ordered();
  cluster.failed.add(`${failed} ${successor}`);
  expect(ordered()).toEqual(expect.arrayContaining(others));
  expect(ordered()).not.toContain(failed);
});

it('a node keeps its copies if there is no other place for them', () => {
  const cluster = settled(2, [{ id: 'a' }, { id: 'b' }]);
  cluster.drain('a');
  cluster.settle();
  expect(cluster.loads()['a']?.[0]).toBe(4096);
});

describe('the ceiling of versions', () => {
  const input = (versionCeiling: number) => {
    const { topology } = settled();
    return {
      topology: { ...topology, versionCeiling },
      statuses: new Map(),
      settings: { replaceAfterMs: 60_000, whenLost: 'start' as const, expectedNodes: [] },
      nowMs: 0,
      clusterTimeMs: 1e12,
      isPaused: () => false,
    };
  };
  const day = 24 * 3600e6;

  it('rises a week ahead of the time when a day of that is over', () => {
    expect(plan(input(1e15 + 5.9 * day)).versionCeiling).toBe(1e15 + 7 * day);
    expect(plan(input(1e15 + 6.1 * day)).versionCeiling).toBeUndefined();
  });

  const withReport = (versionCeiling: number, highestVersion: number) => {
    const { bootId } = settled().node('a');
    const report = reportOf(bootId, { highestVersion });
    const statuses = new Map([[bootId, { firstHeardMs: 0, lastHeardMs: 0, report }]]);
    return { ...input(versionCeiling), statuses };
  };

  it('rises by an hour when versions have reached it, after a loss', () => {
    const versionCeiling = 1e15 + 7 * day;
    const reported = withReport(versionCeiling, versionCeiling);
    expect(plan(reported).versionCeiling).toBe(versionCeiling + day / 24);
    expect(
      plan({ ...reported, topology: { ...reported.topology, versionCeiling: versionCeiling + day / 24 } })
        .versionCeiling,
    ).toBeUndefined();
  });

  it('leaves room for writes, whatever version a node reports', () => {
    const latest = 1000 * MAX_TIME_MS;
    const versionCeiling = 1e15 + 7 * day;
    expect(plan(withReport(versionCeiling, MAX_VERSION)).versionCeiling).toBeUndefined();
    expect(plan(withReport(versionCeiling, latest + 1)).versionCeiling).toBeUndefined();
    expect(plan(withReport(versionCeiling, latest)).versionCeiling).toBe(latest + day / 24);
    // The partitions of a lost node start at the ceiling, and report it.
    expect(plan(withReport(latest + day / 24, latest + day / 24)).versionCeiling).toBe(latest + day / 12);
  });

  it('ends at the highest version', () => {
    expect(plan(withReport(MAX_VERSION - 1, MAX_VERSION - 1)).versionCeiling).toBe(MAX_VERSION);
    expect(plan(withReport(MAX_VERSION, MAX_VERSION)).versionCeiling).toBeUndefined();
    const latest = { ...input(0), clusterTimeMs: MAX_TIME_MS };
    expect(plan(latest).versionCeiling).toBe(1000 * MAX_TIME_MS + 7 * day);
  });

  it('is there before the first assignment, and absent without nodes', () => {
    const { topology: settledTopology } = input(0);
    const partitions = newTopology({ clusterId: 'c', copies: 1, minInSync: 1 }).partitions;
    const unassigned = { ...settledTopology, partitions };
    expect(plan({ ...input(0), topology: unassigned }).versionCeiling).toBe(1e15 + 7 * day);
    const topology = newTopology({ clusterId: 'c', copies: 1, minInSync: 1 });
    expect(plan({ ...input(0), topology }).versionCeiling).toBeUndefined();
  });
});

it('a process without a registered node is not asked for anything', () => {
  const cluster = settled();
  const stranger = boot('stranger');
  cluster.topology = {
    ...cluster.topology,
    partitions: cluster.topology.partitions.map((entry, i) =>
      i === 3 ? { ...entry, primary: stranger, inSync: [stranger, ...entry.inSync] } : entry,
    ),
  };
  const { requests, orders } = cluster.plan();
  expect(requests).toMatchObject([{ partition: 3, change: { kind: 'promote', instead: stranger } }]);
  expect([...orders.keys()]).not.toContain(stranger);
});
