import {
  applyRequests,
  newTopology,
  raiseVersionCeiling,
  registerNode,
  endProcess,
  removeNode,
  updateNode,
  updateSettings,
  type BootId,
  type Topology,
} from './index.js';
import { boot } from './testing/index.js';

const [a, b] = [boot('a'), boot('b')];
const empty = newTopology({ clusterId: 'c', copies: 2, minInSync: 1 });
const node = (id: string, bootId: BootId) => {
  return { id, address: `${id}:1`, zone: 'z', weight: 1, bootId, isDurable: false, starts: 1 };
};
const ids = ({ nodes }: Topology) => nodes.map(({ id }) => id);

describe('requests', () => {
  const start = (partition: number, primary: BootId, epoch = 0) => ({
    partition,
    epoch,
    change: { kind: 'start' as const, primary, instead: undefined, copies: [] },
  });

  it('that fit are all part of one revision', () => {
    const topology = applyRequests(empty, [start(1, a), start(4095, b)]);
    expect(topology.revision).toBe(2);
    expect(topology.partitions[4095]).toEqual({ epoch: 2, primary: b, inSync: [b], learner: undefined });
    const changed = [...topology.partitions.keys()].filter(
      (partition) => topology.partitions[partition]?.epoch !== empty.partitions[partition]?.epoch,
    );
    expect(changed).toEqual([1, 4095]);
  });

  it('for one partition: the first is met', () => {
    const topology = applyRequests(empty, [start(1, a), start(1, b)]);
    expect(topology.partitions[1]?.primary).toBe(a);
  });

  it('that start a partition again are counted as losses, unless the nodes share a store', () => {
    const again = (topology: Topology) => {
      const epoch = topology.partitions[1]?.epoch ?? NaN;
      const change = { kind: 'start' as const, primary: b, instead: a, copies: [] };
      return applyRequests(topology, [{ partition: 1, epoch, change }]).lossCount;
    };
    const started = applyRequests(empty, [start(1, a), start(2, a)]);
    expect([started.lossCount, again(started), again({ ...started, sharedStore: 's' })]).toEqual([0, 1, 0]);
  });

  it('that were made at another epoch, or for no partition, change nothing', () => {
    expect(applyRequests(empty, [start(1, a, 1), start(4096, a)])).toBe(empty);
  });
});

describe('nodes', () => {
  const two = registerNode(registerNode(empty, node('n', a)), node('m', b));

  it('join in the order of their ids', () => {
    expect([ids(two), two.revision]).toEqual([['m', 'n'], 3]);
    expect(two.nodes.map(({ state }) => state)).toEqual(['joining', 'joining']);
  });

  it('that start again keep what an operator decided', () => {
    const active = updateNode(two, 'n', { state: 'active', weight: 3 });
    const again = registerNode(active, { ...node('n', boot('a2')), address: 'elsewhere:1' });
    expect(again.nodes[1]).toEqual({ ...active.nodes[1], bootId: 'a2', address: 'elsewhere:1' });
  });

  it('that start again at another port for Redis clients, or without one, say so', () => {
    const withRedis = registerNode(two, { ...node('n', a), redisAddress: 'n:7000' });
    const without = registerNode(withRedis, node('n', a));
    const redisAddresses = [two, withRedis, without].map(({ nodes }) => nodes[1]?.redisAddress);
    expect(redisAddresses).toEqual([undefined, 'n:7000', undefined]);
    expect(without.revision).toBe(two.revision + 2);
  });

  it('that say nothing new make no revision', () => {
    expect(registerNode(two, node('n', a))).toBe(two);
    expect(updateNode(two, 'n', { weight: 1 })).toBe(two);
  });

  it.each([
    ['address', { ...node('o', boot('o')), address: 'n:1' }],
    ['boot id', node('o', a)],
  ])('do not share an %s', (_, other) => {
    expect(() => registerNode(two, other)).toThrow(expect.objectContaining({ code: 'duplicate_node' }));
  });

  it('with a directory that another process started more often are refused', () => {
    const often = registerNode(empty, { ...node('n', a), isDurable: true, starts: 5 });
    const outdated = expect.objectContaining({ code: 'outdated_directory' });
    expect(() => registerNode(often, { ...node('n', a), isDurable: true, starts: 4 })).toThrow(outdated);
    expect(registerNode(often, { ...node('n', a), isDurable: true, starts: 6 }).nodes[0]?.starts).toBe(6);
  });

  it('with a directory that another process started as often are refused, and the process itself is not', () => {
    const first = { ...node('n', a), isDurable: true, starts: 5, processId: 'p' };
    const known = registerNode(empty, first);
    expect(registerNode(known, first)).toBe(known);
    expect(() => registerNode(known, { ...first, processId: 'q' })).toThrow(
      expect.objectContaining({ code: 'outdated_directory' }),
    );
    const next = registerNode(known, { ...first, starts: 6, processId: 'q' });
    expect(next.nodes[0]).toMatchObject({ starts: 6, processId: 'q' });
  });

  it('of a document without process ids tell theirs', () => {
    const known = registerNode(empty, { ...node('n', a), isDurable: true });
    const told = registerNode(known, { ...node('n', a), isDurable: true, processId: 'p' });
    expect(told.nodes[0]?.processId).toBe('p');
  });

  it('leave, and are unknown then', () => {
    const one = removeNode(two, 'm');
    expect([ids(one), one.revision]).toEqual([['n'], 4]);
    expect(() => removeNode(one, 'm')).toThrow(expect.objectContaining({ code: 'unknown_node' }));
    expect(() => updateNode(one, 'm', {})).toThrow(expect.objectContaining({ code: 'unknown_node' }));
  });
});

describe('the store that nodes share', () => {
  const shared = registerNode(empty, node('n', a), 'store');
  const refused = expect.objectContaining({ code: 'wrong_store' });

  it('is that of the first node, and partitions have no other copies', () => {
    expect(shared).toMatchObject({ sharedStore: 'store', copies: 1, minInSync: 1 });
    expect(registerNode(shared, node('m', b), 'store').nodes).toHaveLength(2);
    expect(() => updateSettings(shared, { copies: 2 })).toThrow(
      expect.objectContaining({ code: 'invalid_shape' }),
    );
  });

  it('is refused to others: another store, pairs of their own, and a store where nodes have pairs of their own', () => {
    expect(() => registerNode(shared, node('m', b), 'other')).toThrow(refused);
    expect(() => registerNode(shared, node('m', b))).toThrow('m keeps its own pairs, but every other node');
    expect(() => registerNode(registerNode(empty, node('n', a)), node('m', b), 'store')).toThrow(refused);
  });

  it('is forgotten with the last node', () => {
    expect(registerNode(removeNode(shared, 'n'), node('m', b)).sharedStore).toBeUndefined();
  });
});

describe('a process has ended', () => {
  const start = {
    partition: 1,
    epoch: 0,
    change: { kind: 'start' as const, primary: a, instead: undefined, copies: [] },
  };
  const at = (address: string) => applyRequests(registerNode(empty, { ...node('n', a), address }), [start]);
  const again = (address: string, bootId = b) => registerNode(at(address), { ...node('n', bootId), address });

  it.each([
    ['127.0.0.1:1', [{ bootId: a, isDurable: false, starts: 1 }]],
    ['[::1]:1', [{ bootId: a, isDurable: false, starts: 1 }]],
    ['localhost:1', [{ bootId: a, isDurable: false, starts: 1 }]],
    ['node.example:1', []],
  ])('if another one is bound to its address %s, unless that is a DNS name', (address, ended) => {
    expect(again(address).ended).toEqual(ended);
  });

  it('only if its own address is taken: elsewhere it may still run', () => {
    expect(registerNode(at('127.0.0.1:1'), { ...node('n', b), address: '127.0.0.1:2' }).ended).toEqual([]);
  });

  it('until it is back', () => {
    expect(registerNode(again('127.0.0.1:1'), { ...node('n', a), address: '127.0.0.1:1' }).ended).toEqual([]);
  });

  it('until it is back, also if an operator has removed its node', () => {
    const ended = endProcess(at('n:1'), { bootId: a, isDurable: false });
    const back = registerNode(removeNode(ended, 'n'), node('n', a));
    expect([ended.ended.length, back.ended]).toEqual([1, []]);
  });

  it('and its directory is refused if it does not count higher, also if an operator has removed the node', () => {
    const address = '127.0.0.1:1';
    const directory = { ...node('n', a), address, isDurable: true, processId: 'p' };
    const [first, sixth] = [directory, { ...directory, starts: 6, processId: 'q' }];
    const owning = applyRequests(registerNode(empty, first), [start]);
    const ended = registerNode(registerNode(owning, sixth), { ...node('n', b), address });
    const outdated = expect.objectContaining({ code: 'outdated_directory' });
    const gone = endProcess(ended, { bootId: a, isDurable: false });
    for (const topology of [ended, removeNode(ended, 'n'), gone]) {
      const restored = { ...directory, starts: 6, processId: 'r' };
      expect(() => registerNode(topology, restored)).toThrow(outdated);
      expect(() => registerNode(topology, { ...restored, starts: 5 })).toThrow(outdated);
      for (const back of [sixth, { ...restored, starts: 7 }])
        expect(registerNode(topology, back).ended).toEqual([]);
    }
  });

  it('as far as it has a role', () => {
    const process = { bootId: a, isDurable: true };
    expect(endProcess(empty, process)).toBe(empty);
    const ended = endProcess(at('n:1'), process);
    expect(ended.ended).toEqual([process]);
    expect(endProcess(ended, process)).toBe(ended);
    expect(endProcess(ended, { bootId: a, isDurable: false }).ended).toEqual([
      { bootId: a, isDurable: false },
    ]);
  });
});

it('the wanted copies change, and entries do not', () => {
  const more = updateSettings(empty, { copies: 3, minInSync: 2 });
  expect(more).toEqual({ ...empty, revision: 2, copies: 3, minInSync: 2 });
  expect(updateSettings(more, { copies: 3 })).toBe(more);
  expect(updateSettings(more, {})).toBe(more);
  expect(() => updateSettings(more, { copies: 1 })).toThrow(
    expect.objectContaining({ code: 'invalid_shape' }),
  );
});

it('the version ceiling only rises', () => {
  const raised = raiseVersionCeiling(empty, 100);
  expect([raised.versionCeiling, raised.revision]).toEqual([100, 2]);
  expect(raiseVersionCeiling(raised, 99)).toBe(raised);
});
