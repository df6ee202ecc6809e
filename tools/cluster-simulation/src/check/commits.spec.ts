import { newTopology, type BootId, type PartitionEntry, type Topology } from '@kvs/topology';
import { checkCommit } from './commits.js';

const [a, b, c] = ['a', 'b', 'c'] as BootId[];

const first = newTopology({ clusterId: 'c', copies: 2, minInSync: 1 });

function topologyWith(revision: number, entry: Partial<PartitionEntry>): Topology {
  const full = { epoch: 1, primary: a, inSync: [a, b], learner: undefined, ...entry } as PartitionEntry;
  return { ...first, revision, partitions: [full, ...first.partitions.slice(1)] };
}

const before = topologyWith(7, { learner: c });

it.each<[string, Partial<PartitionEntry>]>([
  ['a learner that is added', { inSync: [a, b, c] as BootId[] }],
  ['a copy that is removed', { inSync: [a] as BootId[] }],
  ['another primary', { primary: b }],
  ['a start anew', { primary: c, inSync: [c] as BootId[] }],
  ['a new epoch alone', {}],
])('accepts %s', (_, entry) => {
  expect(checkCommit(before, topologyWith(8, { epoch: 8, ...entry }))).toEqual([]);
});

it.each<[string, Topology]>([
  ['a revision that is left out', topologyWith(9, { epoch: 9 })],
  ['an old epoch', topologyWith(8, { epoch: 2 })],
  ['a primary that is not in sync', topologyWith(8, { epoch: 8, primary: c })],
  [
    'a primary that changes with the copies',
    topologyWith(8, { epoch: 8, primary: b, inSync: [b] as BootId[] }),
  ],
  ['a copy that was no learner', topologyWith(8, { epoch: 8, inSync: [a, b, 'd'] as BootId[] })],
  ['a ceiling that goes down', { ...topologyWith(8, { epoch: 8 }), versionCeiling: -1 }],
])('finds %s', (_, after) => {
  expect(checkCommit(before, after)).toHaveLength(1);
});
