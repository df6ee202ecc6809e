import { jest } from '@jest/globals';
import { KvStore, MemoryEngine } from '@kvs/kv-store';
import { ManualTime } from '@kvs/protocol/testing';
import {
  applyRequests,
  endProcess,
  newTopology,
  registerNode,
  type BootId,
  type EntryChange,
  type Topology,
  type TopologyNode,
} from '@kvs/topology';
import { boot } from '@kvs/topology/testing';
import { StoreOperations } from '../store-operations.js';
import type { ClusterRole } from './cluster-role.js';
import { candidateWithCopies } from './copies-role.js';
import { NodeClock } from './node-clock.js';

const COPY = boot('copy');

let time: ManualTime;
let role: ClusterRole;
let joined: Topology;
let warnings: string[];

/** Joins a cluster in which the node serves 400 partitions, and a process that it has no link to has copies of them. */
beforeEach(async () => {
  time = new ManualTime();
  const clock = new NodeClock(true);
  const engine = new MemoryEngine({ clock });
  const store = new KvStore(engine, clock);
  const ignore = (): void => undefined;
  warnings = [];
  const candidate = candidateWithCopies(engine, engine.replication, {
    store,
    clock,
    nowMs: () => time.nowMs(),
    alone: new StoreOperations(store),
    use: ignore,
    log: { info: ignore, warn: (message) => warnings.push(message), error: ignore },
    onUnreachable: ignore,
  });
  const { sharedStore, ...identity } = await candidate.identify();
  const own = { ...identity, id: 'own', address: 'own:1', zone: '', weight: 1 };
  const empty = newTopology({ clusterId: 'c', copies: 2, minInSync: 1 });
  const start = { kind: 'start', primary: candidate.bootId, instead: undefined, copies: [COPY] } as const;
  joined = changed(registerNode(empty, own, sharedStore), 400, start);
  role = candidate.join(
    { topology: joined, timeMs: 0 },
    { readTopology: () => Promise.reject(new Error()), askForChanges: () => Promise.reject(new Error()) },
  );
});
afterEach(() => role.close());

/** Changes the entries of the first partitions. */
function changed(topology: Topology, count: number, change: EntryChange): Topology {
  const requests = topology.partitions
    .slice(0, count)
    .map(({ epoch }, partition) => ({ partition, epoch, change }));
  return applyRequests(topology, requests);
}

it('hands at most 128 partitions over at once, apart from those that take longer than usual', () => {
  const { nodeReplica } = role;
  if (nodeReplica === undefined) throw new TypeError('the node has copies');
  const inFlight = new Set<number>();
  const handOver = jest.spyOn(nodeReplica.replica, 'handOver').mockImplementation((moves, max) => {
    const idle = [...moves].map(([partition]) => partition).filter((partition) => !inFlight.has(partition));
    const begun = idle.slice(0, max);
    for (const partition of begun) inFlight.add(partition);
    return begun;
  });
  /** Returns how many more partitions may be handed over. */
  const more = () => {
    role.handOverAll();
    return handOver.mock.lastCall?.[1];
  };
  expect([more(), more()]).toEqual([128, 0]);
  role.learn({
    topology: changed(joined, 50, { kind: 'promote', copy: COPY, instead: role.bootId }),
    timeMs: 0,
  });
  expect([more(), more()]).toEqual([50, 0]);
  time.advanceMs(500);
  expect(more()).toBe(0);
  time.advanceMs(1);
  expect(more()).toBe(128);
});

it('warns once, a day before it has no versions to give', async () => {
  const timeMs = 1_500_000_000_000;
  const versionCeiling = (timeMs + 20 * 3_600_000) * 1000;
  role.learn({ topology: { ...joined, revision: joined.revision + 1, versionCeiling }, timeMs });
  for (let report = 1; report < 5; report++) await role.report(false);
  expect(warnings).toEqual([]);
  for (let report = 5; report < 12; report++) await role.report(false);
  expect(warnings).toEqual([expect.stringContaining('writes will be refused from 2017-07-14T22:40')]);
});

describe('a node that leaves', () => {
  const [GONE, FREE] = [boot('gone'), boot('free')];

  /** Returns how many partitions end with the node if another process, which is gone, is primary of the last partition. */
  function lastCopies({ copyIsDurable = false, linked = [FREE], leaving = [] }: Others) {
    const { nodeReplica } = role;
    if (nodeReplica === undefined) throw new TypeError('the node has copies');
    jest.spyOn(nodeReplica, 'isLinkedTo').mockImplementation((bootId) => linked.includes(bootId));
    const nodes = [GONE, COPY, FREE].map((bootId) => {
      const isDurable = bootId === COPY && copyIsDurable;
      return { bootId, id: bootId, address: `${bootId}:1`, zone: '', weight: 1, isDurable, starts: 1 };
    });
    const registered = nodes.reduce((topology, node) => registerNode(topology, node), joined);
    const start = { kind: 'start', primary: GONE, instead: undefined, copies: [COPY, role.bootId] } as const;
    const topology = applyRequests(registered, [{ partition: PARTITION, epoch: 0, change: start }]);
    role.learn({ topology, timeMs: 0 });
    const { revision } = topology;
    role.obey({ ...ANSWER, revision, leaving });
    const { count, awaited } = role.countOnlyCopies();
    return { count, awaited, mustTakeOver: role.mustTakeOver(PARTITION) };
  }

  it.each<[string, Others]>([
    ['is dead', {}],
    ['leaves', { linked: [COPY, FREE], leaving: [COPY] }],
    ['is dead, although the primary said that it leaves', { leaving: [GONE] }],
  ])('takes over pairs if the primary is gone, and the other copy %s', (_, others) => {
    expect(lastCopies(others)).toMatchObject({ mustTakeOver: true });
  });

  it.each<[string, Others]>([
    ['if another copy stays', { linked: [COPY, FREE] }],
    ['that another copy has on its disk', { copyIsDurable: true }],
    ['if the primary is there', { linked: [GONE, FREE] }],
    ['if the primary leaves too', { linked: [GONE, FREE], leaving: [GONE] }],
    ['that it could give to nobody', { linked: [] }],
    ['that it could give only to a node that leaves', { leaving: [COPY, FREE] }],
  ])('takes over no pairs %s', (_, others) => {
    expect(lastCopies(others)).toMatchObject({ awaited: 0, mustTakeOver: false });
  });
});

describe('a node that leaves with copies', () => {
  const FREE = boot('free');
  const own = (update: Partial<TopologyNode>) => (topology: Topology) => {
    const nodes = topology.nodes.map((node) => (node.bootId === role.bootId ? { ...node, ...update } : node));
    return { ...topology, nodes };
  };
  const withNode =
    (bootId: BootId, update: Partial<TopologyNode> = {}) =>
    (topology: Topology) => {
      const node = { bootId, id: bootId, address: `${bootId}:1`, zone: '', weight: 1, starts: 1 };
      const added: TopologyNode = { ...node, isDurable: false, state: 'active', ...update };
      return { ...topology, nodes: [...topology.nodes, added] };
    };

  /** Tells the node of changes of the topology, and which others it has links to. */
  function learn(linked: readonly BootId[], ...changes: ((topology: Topology) => Topology)[]): void {
    const { nodeReplica } = role;
    if (nodeReplica === undefined) throw new TypeError('the node has copies');
    jest.spyOn(nodeReplica, 'isLinkedTo').mockImplementation((bootId) => linked.includes(bootId));
    const topology = changes.reduce((before, change) => change(before), joined);
    role.learn({ topology: { ...topology, revision: topology.revision + 1 }, timeMs: 0 });
  }

  const oneCopy = (topology: Topology) => ({ ...topology, copies: 1 });
  const toFree = (topology: Topology) => changed(topology, 10, { kind: 'nameLearner', learner: FREE });

  it.each<[string, ((topology: Topology) => Topology)[], { count: number; awaited: number }]>([
    ['those that nobody gets', [], { count: 400, awaited: 0 }],
    [
      'none that another node has on its disk',
      [withNode(COPY, { isDurable: true })],
      { count: 0, awaited: 0 },
    ],
    ['none on its own disk', [own({ isDurable: true })], { count: 0, awaited: 0 }],
    ['those that learners get', [toFree], { count: 400, awaited: 10 }],
    ['those that another node gets', [withNode(FREE)], { count: 400, awaited: 400 }],
    [
      'those that a draining node does not get',
      [withNode(FREE, { state: 'draining' })],
      { count: 400, awaited: 0 },
    ],
    ['those that nobody gets, as there is one copy', [withNode(FREE), oneCopy], { count: 400, awaited: 0 }],
    [
      'those that are drained to another node',
      [withNode(FREE), oneCopy, own({ state: 'draining' })],
      { count: 400, awaited: 400 },
    ],
  ])('counts the partitions that end with it if the other copy leaves too: %s', (_, changes, counts) => {
    learn([FREE], ...changes);
    expect(role.countOnlyCopies()).toEqual({ count: 0, awaited: 0 });
    const { revision } = joined;
    role.obey({ ...ANSWER, revision, leaving: [COPY] });
    // A proxy that does not lead does not know which nodes leave.
    role.obey({ ...ANSWER, revision, leaving: undefined });
    expect(role.countOnlyCopies()).toEqual(counts);
  });

  it('counts the partitions that end with it if the other copy has ended', () => {
    learn([COPY], (topology) => endProcess(topology, { bootId: COPY, isDurable: false }));
    expect([role.countOnlyCopies().count, role.handOverAll()]).toEqual([400, 0]);
  });

  it.each<[string, number, BootId[], BootId[], number]>([
    ['once it serves nothing', 400, [COPY], [], 400],
    ['not while it serves something', 399, [COPY], [], 0],
    ['not if their primary leaves too', 400, [COPY], [COPY], 0],
    ['not if their primary is away', 400, [], [], 0],
  ])('waits until its copies are removed %s', (_, count, linked, leaving, copies) => {
    learn(linked, (topology) =>
      changed(topology, count, { kind: 'promote', copy: COPY, instead: role.bootId }),
    );
    role.obey({ ...ANSWER, revision: joined.revision, leaving });
    expect(role.countCopiesToRemove()).toBe(copies);
  });

  it('keeps the pairs of copies that are removed', () => {
    role.leave();
    expect(role.nodeReplica?.replica.isLeaving).toBe(true);
  });
});

it('obeys orders for the entries that they are about, and the limit of transfers', () => {
  const { nodeReplica } = role;
  if (nodeReplica === undefined) throw new TypeError('the node has copies');
  const handOver = jest.spyOn(nodeReplica.replica, 'handOver');
  const limit = jest.spyOn(nodeReplica, 'limitTransfers');
  const epoch = joined.partitions[0]?.epoch ?? 0;
  const order = { kind: 'handOver', partition: 0, to: COPY } as const;
  const orders = [
    { ...order, epoch: epoch - 1 },
    { ...order, partition: 1, epoch },
  ];
  role.obey({ ...ANSWER, revision: 1, leaving: undefined, orders, transferBytesPerSecond: 7 });
  expect([handOver.mock.calls, limit.mock.calls]).toEqual([[[[[1, COPY]]]], [[7]]]);
});

interface Others {
  readonly copyIsDurable?: boolean;
  readonly linked?: readonly BootId[];
  readonly leaving?: readonly BootId[];
}

const PARTITION = 4095;
const ANSWER = { timeMs: 0, leader: undefined, transferBytesPerSecond: undefined, orders: [] };
