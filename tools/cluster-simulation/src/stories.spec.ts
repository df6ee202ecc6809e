import type { Fault, Scenario, Target, Trouble } from './scenario.js';
import { play } from './testing/play.js';

/*
 * Failures of other systems, played here. Each story runs with several seeds, which vary delays, clocks and operations.
 * The name says where the story comes from.
 */

const primary: Target = { role: 'primary', partition: 0 };
const copy: Target = { role: 'copy', partition: 0 };
const learner: Target = { role: 'learner', partition: 0 };
const node = (index: number): Target => ({ role: 'node', index });

const pause = { kind: 'pause', order: 'timersFirst', suspended: false } as const;
const isolate = { kind: 'isolate', way: 'both', fromProxies: false } as const;

interface Story {
  readonly name: string;
  readonly scenario?: Partial<Scenario>;
  readonly faults: readonly Fault[];
  /** How many operations there are per second, besides a few at the faults. Default 10. */
  readonly operationsPerSecond?: number;
  /** The events that must happen in some of the runs. Without them, the runs do not play the story. */
  readonly happens: readonly string[];
}

/** A fault at a time and for a time, in seconds. */
function at(seconds: number, trouble: Trouble, forSeconds = 0.1): Fault {
  return { ...trouble, atMs: seconds * 1000, forMs: forSeconds * 1000 };
}

const drain = (seconds: number, index: number, forSeconds = 15) =>
  at(seconds, { kind: 'drain', node: node(index) }, forSeconds);

const settings = (seconds: number, copies: number, minInSync: number) =>
  at(seconds, { kind: 'settings', copies, minInSync });

const stories: readonly Story[] = [
  {
    name: 'an operator changes the number of copies and of those that writes need, while nodes die and are cut off',
    scenario: { nodeCount: 4, copies: 2, minInSync: 1 },
    faults: [
      settings(8, 3, 1),
      at(9, { kind: 'crash', node: primary }, 3),
      settings(14, 3, 2),
      at(14.1, { kind: 'isolate', node: primary, way: 'both', fromProxies: true }, 5),
      settings(22, 2, 2),
      at(22.2, { kind: 'crash', node: copy }, 3),
      settings(28, 2, 1),
      at(29, { ...pause, node: primary }, 4),
      settings(34, 1, 1),
      settings(37, 3, 1),
    ],
    happens: ['promotions', 'copies added', 'copies removed'],
  },
  {
    name: 'both sides claim a partition after a failover in the middle of a move (valkey 2724)',
    scenario: { nodeCount: 4 },
    faults: [
      drain(10, 0),
      drain(10, 1),
      at(11, { ...pause, node: primary }, 4),
      at(12, { ...pause, node: primary }, 4),
      at(20, { ...pause, node: primary }, 4),
    ],
    happens: ['promotions', 'copies added'],
  },
  {
    name: 'a move does not end under writes (valkey 4545)',
    scenario: { nodeCount: 4 },
    faults: [drain(10, 0), drain(20, 1)],
    operationsPerSecond: 12,
    happens: ['copies added', 'copies removed'],
  },
  {
    name: 'the target of a move fails to apply what it is sent (garnet 1912)',
    scenario: { nodeCount: 4, durable: [true, true, true, true, true] },
    faults: [drain(10, 0), drain(18, 1), drain(26, 2)],
    operationsPerSecond: 15,
    happens: ['copies added'],
  },
  {
    name: 'the target of a move is forgotten in the middle (garnet 494)',
    scenario: { nodeCount: 5 },
    faults: [
      drain(10, 0, 30),
      ...[10.4, 10.8, 11.2, 12, 13, 14].map((s) => at(s, { kind: 'mistake', partition: 0, to: 0 })),
      at(20, { kind: 'crash', node: copy }),
      ...[21, 21.5, 22, 22.5, 23].map((s) => at(s, { kind: 'mistake', partition: 0, to: 0 })),
    ],
    happens: ['learners withdrawn'],
  },
  {
    name: 'the target of a move dies right after it was added (redis 3122, 10933)',
    scenario: { nodeCount: 4, copies: 2 },
    faults: [
      at(10, { kind: 'crash', node: copy }, 0.5),
      ...[11, 12, 13, 14, 15, 16, 17].map((s) => at(s, { kind: 'crash', node: copy }, 0.5)),
    ],
    happens: ['copies added', 'copies removed'],
  },
  {
    name: 'the cleanup of a cancelled move deletes the pairs of the next one (dragonfly 7333)',
    scenario: { nodeCount: 4, copies: 3 },
    faults: [
      at(10, { kind: 'stall', node: primary, peer: 0, way: 'both' }, 5),
      at(10, { kind: 'stall', node: primary, peer: 1, way: 'both' }, 5),
      ...[13, 14, 15, 16, 17, 18, 19, 20].map((s) => at(s, { kind: 'mistake', partition: 0, to: 1 })),
    ],
    happens: ['copies removed', 'copies added'],
  },
  {
    name: 'a write comes at the instant of sealing (dragonfly 3257)',
    faults: Array.from({ length: 40 }, (_, i) =>
      at(8 + i * 0.75, { kind: 'handOver', partition: 0, to: i % 2 }),
    ),
    operationsPerSecond: 12,
    happens: ['promotions'],
  },
  {
    name: 'nodes are killed while partitions move (hazelcast 5444)',
    scenario: { nodeCount: 5, partitionCount: 3 },
    faults: [
      drain(9, 0),
      at(10, { kind: 'crash', node: primary }, 3),
      drain(15, 1),
      at(16, { kind: 'crash', node: { role: 'primary', partition: 1 } }, 3),
      at(18, { kind: 'crash', node: { role: 'learner', partition: 2 } }, 3),
    ],
    happens: ['promotions', 'copies added'],
  },
  {
    name: 'the network splits again before it has healed (hazelcast 11999)',
    scenario: { nodeCount: 5 },
    faults: [
      at(8, { ...isolate, node: primary }, 4),
      at(12.5, { ...isolate, node: primary }, 4),
      at(13, { ...isolate, node: copy }, 2),
      at(17, { ...isolate, node: primary }, 4),
      at(19, { ...isolate, node: copy }, 4),
    ],
    happens: ['promotions'],
  },
  {
    name: 'two isolations in a row promote a copy that is behind (elasticsearch 14671)',
    faults: [
      at(8, { ...isolate, node: copy }, 3),
      at(10.5, { ...isolate, node: primary }, 6),
      at(20, { ...isolate, node: copy }, 3),
      at(22, { ...isolate, node: primary }, 6),
    ],
    operationsPerSecond: 12,
    happens: ['promotions', 'copies removed'],
  },
  {
    name: 'copies differ by the tail of the last primary (elasticsearch 20031)',
    faults: [10, 20, 30].flatMap((s) => [
      at(s, { kind: 'stall', node: primary, peer: 0, way: 'out' }, 1.5),
      at(s + 0.6, { kind: 'crash', node: primary }, 2),
    ]),
    operationsPerSecond: 12,
    happens: ['promotions'],
  },
  {
    name: 'a failed resync is ignored (elasticsearch 28005)',
    scenario: { durable: [true, true, true, true, true] },
    faults: [10, 18, 26].flatMap((s) => [
      at(s, { kind: 'crash', node: copy }, 4),
      at(s + 4.2, { kind: 'cut', node: copy, peer: 0, way: 'in' }, 0.3),
      at(s + 4.8, { kind: 'cut', node: learner, peer: 0, way: 'in' }, 0.3),
      at(s + 5.2, { kind: 'cut', node: learner, peer: 1, way: 'in' }, 0.3),
    ]),
    operationsPerSecond: 12,
    happens: ['copies added'],
  },
  {
    name: 'a dying primary accuses all of its copies (elasticsearch 101180)',
    scenario: { minInSync: 1 },
    faults: [10, 22].map((s) => at(s, { kind: 'isolate', way: 'in', fromProxies: false, node: primary }, 5)),
    operationsPerSecond: 12,
    happens: ['copies removed'],
  },
  {
    name: 'a process that was restarted empty is still named in sync (Kafka KIP-903)',
    faults: [9, 14, 19, 24, 29].flatMap((s) => [
      at(s, { kind: 'crash', node: copy }, 0.05),
      at(s + 0.3, { kind: 'crash', node: primary }, 0.05),
    ]),
    happens: ['promotions', 'copies added'],
  },
  {
    name: 'the last copy comes back short (Kafka KIP-966)',
    scenario: { durable: [true, true, true, true, true], copies: 2 },
    faults: [10, 20, 30].flatMap((s) => [
      at(s, { kind: 'crash', node: copy }, 6),
      at(s + 2.5, { kind: 'crash', node: primary }, 1),
    ]),
    operationsPerSecond: 12,
    happens: ['copies removed', 'copies added'],
  },
  {
    name: 'an order to drop comes late, from an old epoch (Kafka KIP-570)',
    scenario: { nodeCount: 4 },
    faults: [8, 16, 24].flatMap((s) => [
      at(s, { kind: 'isolate', way: 'both', fromProxies: true, node: copy }, 4),
      at(s + 3, { ...pause, node: copy }, 2),
      at(s + 3.5, { kind: 'slowStore' }, 2),
    ]),
    happens: ['copies removed', 'copies added'],
  },
  {
    name: 'a process pauses for longer than its lease (Jepsen on Aerospike)',
    faults: [8, 14, 20, 26, 32].map((s, i) =>
      at(s, { ...pause, node: primary, suspended: i % 2 === 1 }, 3 + (i % 3)),
    ),
    operationsPerSecond: 12,
    happens: ['promotions'],
  },
  {
    name: 'the lease is checked before the read (tikv 8034)',
    scenario: { durable: [true, true, true, true, true] },
    faults: [8, 15, 22, 29].flatMap((s) => [
      at(s, { kind: 'slowEngine', node: primary }, 5),
      at(s + 0.7, { ...pause, node: primary, order: 'messagesFirst' }, 4),
    ]),
    operationsPerSecond: 15,
    happens: ['promotions'],
  },
  {
    name: 'deleted keys return (riak_kv 311, KeyDB 447)',
    scenario: { durable: [true, false, true, false, true], nodeCount: 4 },
    faults: [9, 15, 21, 27].flatMap((s) => [
      at(s, { kind: 'crash', node: copy }, 2.5),
      at(s + 3, { kind: 'crash', node: primary }, 2),
    ]),
    operationsPerSecond: 15,
    happens: ['promotions', 'copies added'],
  },
  {
    name: 'copies expire pairs by their own clocks (redis 4954)',
    faults: [8, 12, 16, 20, 24, 28].flatMap((s, i) => [
      at(s, { kind: 'clock', node: node(i % 3) }),
      at(s + 1, { kind: 'handOver', partition: 0, to: i % 2 }),
    ]),
    operationsPerSecond: 15,
    happens: ['promotions'],
  },
  {
    name: 'nobody tells a proxy of changes (etcd 17529)',
    scenario: { partitionCount: 3 },
    faults: [
      ...[0, 1, 2].map((i) => at(8, { kind: 'cut', node: node(i), peer: 2, way: 'out' }, 20)),
      at(10, { ...pause, node: primary }, 5),
      at(18, { kind: 'handOver', partition: 1, to: 0 }),
    ],
    happens: ['promotions'],
  },
];

const SEEDS = 4;

/** If a story does not come to what it is about with the first seeds, further ones are played. */
const MAX_SEEDS = 60;

it.each(stories)('survives: $name', ({ scenario, faults, operationsPerSecond = 10, happens }) => {
  const happened = new Set<string>();
  const isTold = () => happens.every((what) => happened.has(what));
  for (let seed = 1; seed <= (isTold() ? SEEDS : MAX_SEEDS); seed++) {
    const run = play({ seed, faults, scenario, operationsPerSecond });
    expect({ seed, findings: run.findings }).toEqual({ seed, findings: [] });
    Object.keys(run.counts).forEach((what) => happened.add(what));
  }
  expect([...happened]).toEqual(expect.arrayContaining([...happens]));
});
