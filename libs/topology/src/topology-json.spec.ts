import { MAX_VERSION, PARTITION_COUNT } from '@kvs/protocol';
import fc from 'fast-check';
import {
  newTopology,
  topologyFromJson,
  topologyToJson,
  type PartitionEntry,
  type Topology,
} from './index.js';
import { boot } from './testing/index.js';
import { NODE_STATES } from './topology.js';

const empty = newTopology({ clusterId: 'c', copies: 2, minInSync: 1 });

const entries: fc.Arbitrary<PartitionEntry> = fc
  .uniqueArray(fc.constantFrom('a', 'b', 'c', 'd').map(boot), { minLength: 1 })
  .chain((named) =>
    fc.record({
      epoch: fc.nat(7),
      primary: fc.constantFrom(named[0]),
      inSync: fc.constant(named.length > 1 ? named.slice(0, -1) : named),
      learner: fc.constant(named.length > 1 ? named.at(-1) : undefined),
      isAfterLoss: fc.constantFrom(true, undefined),
    }),
  );

const topologies: fc.Arbitrary<Topology> = fc.record({
  clusterId: fc.string({ minLength: 1 }),
  revision: fc.integer({ min: 7, max: Number.MAX_SAFE_INTEGER }),
  copies: fc.integer({ min: 3, max: 8 }),
  minInSync: fc.integer({ min: 1, max: 3 }),
  sharedStore: fc.option(fc.string({ minLength: 1 }), { nil: undefined }),
  versionCeiling: fc.nat(MAX_VERSION),
  lossCount: fc.nat(),
  nodes: fc
    .uniqueArray(
      fc.record({
        id: fc.stringMatching(/^[\w.:[\]-]{1,20}$/),
        zone: fc.string(),
        weight: fc.double({ min: 0.001, max: 1000, noNaN: true }),
        isDurable: fc.boolean(),
        starts: fc.integer({ min: 1, max: 1000 }),
        state: fc.constantFrom(...NODE_STATES),
      }),
      { selector: ({ id }) => id, maxLength: 5 },
    )
    .map((nodes) =>
      [...nodes]
        .sort((a, b) => (a.id < b.id ? -1 : 1))
        .map((node, i) => ({
          ...node,
          address: `host:${i + 1}`,
          ...(i % 2 === 0 && { redisAddress: `host:${i + 7000}`, processId: `process ${i}` }),
          bootId: boot(`boot ${i}`),
        })),
    ),
  ended: fc.array(
    fc.record(
      {
        bootId: fc.constantFrom(boot('a'), boot('b')),
        isDurable: fc.boolean(),
        starts: fc.integer({ min: 1, max: 1000 }),
        processId: fc.constantFrom('p', 'q'),
      },
      { requiredKeys: ['bootId', 'isDurable'] },
    ),
  ),
  partitions: fc
    .array(entries, { minLength: 1, maxLength: 20 })
    .map((some) =>
      Array.from({ length: PARTITION_COUNT }, (_, i) => some[(i >>> 3) % some.length] ?? empty.partitions[0]),
    )
    .map((list) => list.filter((entry) => entry !== undefined)),
});

it('a topology comes back as it was written', () => {
  fc.assert(
    fc.property(topologies, (topology) => {
      // As texts, because Jest takes long to compare 4,096 objects.
      const same = topologyFromJson(topologyToJson(topology), 'f');
      expect(same.nodes).toEqual(topology.nodes);
      expect(same.ended).toEqual(topology.ended);
      expect(same.partitions.slice(0, 16)).toEqual(topology.partitions.slice(0, 16));
      expect(topologyToJson(same)).toBe(topologyToJson(topology));
    }),
  );
});

it('a topology of a new cluster is short', () => {
  expect(topologyFromJson(topologyToJson(empty), 'f')).toEqual(empty);
  expect(topologyToJson(empty).length).toBeLessThan(300);
});

describe('a document is refused', () => {
  const entry = { epoch: 1, primary: boot('a'), inSync: [boot('a')], learner: undefined };
  const state = 'active' as const;
  const place = { id: 'n', address: 'h:1', zone: '', weight: 1 };
  const node = { ...place, bootId: boot('a'), isDurable: false, starts: 1, state };
  const valid: Topology = {
    ...empty,
    nodes: [node],
    partitions: empty.partitions.map((one, i) => (i === 7 ? entry : one)),
  };
  const document = (): Record<string, unknown> =>
    JSON.parse(topologyToJson(valid)) as Record<string, unknown>;

  const invalid = expect.objectContaining({
    code: 'invalid_topology',
    message: expect.stringMatching('^f has no topology that this version can read: .'),
  });

  it('but not if it is valid', () => {
    expect(topologyFromJson(JSON.stringify(document()), 'f')).toEqual(valid);
  });

  it('nor if its ceiling is above the highest version', () => {
    const json = JSON.stringify({ ...document(), versionCeiling: Number.MAX_SAFE_INTEGER });
    expect(topologyFromJson(json, 'f')).toEqual({ ...valid, versionCeiling: MAX_VERSION });
  });

  it('nor if it does not count losses', () => {
    const json = JSON.stringify({ ...document(), lossCount: undefined });
    expect(topologyFromJson(json, 'f')).toEqual(valid);
  });

  it.each<[string, Record<string, unknown>]>([
    ['of another format', { format: 'kvs-topology/0' }],
    ['without a cluster', { clusterId: '' }],
    ['with a revision of zero', { revision: 0 }],
    ['with too many copies', { copies: 9 }],
    ['with more copies required than there are to be', { minInSync: 3 }],
    ['with a negative ceiling', { versionCeiling: -1 }],
    ['with a negative count of losses', { lossCount: -1 }],
    ['without nodes', { nodes: undefined }],
    ['with a node in no state', { nodes: [{ ...node, state: 'gone' }] }],
    ['with a node at no address', { nodes: [{ ...node, address: 'bad host:1' }] }],
    ['with a node of a nameless process', { nodes: [{ ...node, processId: '' }] }],
    ['with a node without weight', { nodes: [{ ...node, weight: 0 }] }],
    ['with two nodes at one address', { nodes: [node, { ...node, id: 'o', bootId: 'b' }] }],
    ['with nodes in disorder', { nodes: [node, { ...node, id: 'm', address: 'h:2', bootId: 'b' }] }],
    ['with too few partitions', { partitions: [[4095, 0, -1, [], -1]] }],
    ['with too many partitions', { partitions: [[4097, 0, -1, [], -1]] }],
    ['with an epoch that is still to come', { partitions: [[4096, 2, -1, [], -1]] }],
    ['with an unknown boot id', { partitions: [[4096, 1, 1, [1], -1]] }],
    ['with a primary that is no copy', { partitions: [[4096, 1, 0, [], -1]] }],
    ['with a copy named twice', { partitions: [[4096, 1, 0, [0, 0], -1]] }],
    ['with a learner that is a copy', { partitions: [[4096, 1, 0, [0], 0]] }],
    ['with a learner of nobody', { partitions: [[4096, 1, -1, [], 0]] }],
    ['with a sixth part of a run that is not true', { partitions: [[4096, 0, -1, [], -1, false]] }],
    ['with a run of seven parts', { partitions: [[4096, 0, -1, [], -1, true, true]] }],
  ])('%s', (_, change) => {
    expect(() => topologyFromJson(JSON.stringify({ ...document(), ...change }), 'f')).toThrow(invalid);
  });

  it.each(['', '{', '[]', 'null', '1'])('that is %j', (text) => {
    expect(() => topologyFromJson(text, 'f')).toThrow(invalid);
  });
});
