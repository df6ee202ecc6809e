import fc from 'fast-check';
import type { ResumeOrder } from './world/process.js';

/** Which node a fault is about: one by its number, or the one that has a role in a partition when the fault begins. */
export type Target =
  | { readonly role: 'node'; readonly index: number }
  | { readonly role: 'primary' | 'copy' | 'learner'; readonly partition: number };

/** A fault without its time. */
export type Trouble =
  /** The process stands still; if it is suspended, so does its monotonic clock. */
  | {
      readonly kind: 'pause';
      readonly node: Target;
      readonly order: ResumeOrder;
      readonly suspended: boolean;
    }
  /** The process ends without a word, and starts again when the fault ends. */
  | { readonly kind: 'crash'; readonly node: Target }
  /** The process announces its end and ends, and starts again when the fault ends. */
  | { readonly kind: 'stop'; readonly node: Target }
  /**
   * Messages between the node and another process wait, or their connection breaks. `peer` counts the other processes: nodes first,
   * then proxies.
   */
  | { readonly kind: 'stall' | 'cut'; readonly node: Target; readonly peer: number; readonly way: Way }
  /** Messages between the node and all other nodes are lost, and perhaps also those between it and the proxies. */
  | { readonly kind: 'isolate'; readonly node: Target; readonly way: Way; readonly fromProxies: boolean }
  | { readonly kind: 'slowStore' | 'awayStore' }
  /** Every engine call of the node takes up to 0.5 s. */
  | { readonly kind: 'slowEngine'; readonly node: Target }
  /** The monotonic clock of the node gets another rate; its wall clock jumps. */
  | { readonly kind: 'clock'; readonly node: Target }
  /** The operator takes the node out, and back when the fault ends. */
  | { readonly kind: 'drain'; readonly node: Target }
  /** The operator changes how many copies there should be, and how many a write needs. */
  | { readonly kind: 'settings'; readonly copies: number; readonly minInSync: number }
  /** A controller asks for a hand-over to the n-th other in-sync copy. */
  | { readonly kind: 'handOver'; readonly partition: number; readonly to: number }
  /** A controller that is mistaken asks to promote a copy of a healthy partition, or withdraws its learner. */
  | { readonly kind: 'mistake'; readonly partition: number; readonly to: number };

/** Which direction is concerned: from the node, to it, or both. */
export type Way = 'out' | 'in' | 'both';

/** Something that goes wrong for some time. */
export type Fault = Trouble & { readonly atMs: number; readonly forMs: number };

/** Everything that distinguishes one simulated run from another. A scenario gives the same run each time. */
export interface Scenario {
  /** Decides everything that is not listed here: delays, clock rates, the operations of clients. */
  readonly seed: number;
  readonly nodeCount: number;
  /** Whether each node keeps its pairs over a restart. */
  readonly durable: readonly boolean[];
  readonly partitionCount: number;
  readonly copies: number;
  readonly minInSync: number;
  /** Whether engines evict pairs now and then, each for itself. */
  readonly evicts: boolean;
  /** How many operations the clients make while there are faults. */
  readonly operationCount: number;
  readonly faults: readonly Fault[];
}

/** When faults may begin, and when the last has ended. */
export const FAULTS_FROM_MS = 6000;
export const FAULTS_UNTIL_MS = 42_000;
export const MAX_NODES = 5;
export const MAX_PARTITIONS = 3;

const target: fc.Arbitrary<Target> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ role: fc.constant('node' as const), index: fc.nat(MAX_NODES - 1) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      role: fc.constantFrom('primary' as const, 'primary' as const, 'copy' as const, 'learner' as const),
      partition: fc.nat(MAX_PARTITIONS - 1),
    }),
  },
);
const way = fc.constantFrom<Way[]>('out', 'in', 'both');
const order = fc.constantFrom<ResumeOrder[]>('asItCame', 'timersFirst', 'timersFirst', 'messagesFirst');
const peer = fc.nat(MAX_NODES);
const partition = fc.nat(MAX_PARTITIONS - 1);

const trouble: fc.Arbitrary<Trouble> = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.record({
      kind: fc.constant('pause' as const),
      node: target,
      order,
      suspended: fc.boolean(),
    }),
  },
  { weight: 16, arbitrary: fc.record({ kind: fc.constant('crash' as const), node: target }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('stop' as const), node: target }) },
  {
    weight: 24,
    arbitrary: fc.record({ kind: fc.constant('stall' as const), node: target, peer, way }),
  },
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('cut' as const), node: target, peer, way }) },
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('isolate' as const),
      node: target,
      way,
      fromProxies: fc.boolean(),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constantFrom('slowStore' as const, 'awayStore' as const) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('slowEngine' as const), node: target }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('clock' as const), node: target }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('drain' as const), node: target }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('handOver' as const), partition, to: fc.nat(2) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('mistake' as const), partition, to: fc.nat(2) }) },
);

const fault: fc.Arbitrary<Fault> = fc
  .tuple(
    trouble,
    fc.integer({ min: FAULTS_FROM_MS, max: FAULTS_UNTIL_MS - 3000 }),
    fc.oneof(fc.integer({ min: 50, max: 1500 }), fc.integer({ min: 1500, max: 8000 })),
  )
  .map(([what, atMs, forMs]) => ({ ...what, atMs, forMs: Math.min(forMs, FAULTS_UNTIL_MS - atMs) }));

/** Scenarios, for fast-check: those that fail shrink to fewer and shorter faults. */
export const scenarios: fc.Arbitrary<Scenario> = fc
  .record({
    seed: fc.nat(2 ** 31 - 1),
    nodeCount: fc.integer({ min: 3, max: MAX_NODES }),
    durable: fc.array(fc.boolean(), { minLength: MAX_NODES, maxLength: MAX_NODES }),
    partitionCount: fc.integer({ min: 1, max: MAX_PARTITIONS }),
    copies: fc.integer({ min: 2, max: 3 }),
    minInSync: fc.constantFrom(1, 1, 2),
    operationCount: fc.integer({ min: 60, max: 160 }),
    faults: fc.array(fault, { minLength: 3, maxLength: 18, size: 'max' }),
    evicts: fc.constantFrom(false, false, false, false, true),
  })
  .map((scenario) => ({ ...scenario, faults: [...scenario.faults].sort((a, b) => a.atMs - b.atMs) }));

/** Returns the scenario of a seed: always the same one. */
export function scenarioOf(seed: number): Scenario {
  const [scenario] = fc.sample(scenarios, { seed, numRuns: 1 });
  if (scenario === undefined) throw new TypeError('fast-check made no scenario');
  return scenario;
}
