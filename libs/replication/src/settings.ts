import type { BootId } from '@kvs/topology';

/** The rules that a node follows and that tests can switch off. docs/cluster-simulation.md has the whole text of each. */
export const RULES = [
  'R2', // a request stays pending until its asker sees a later epoch
  'R5', // a copy counts until the topology has removed it
  'R6', // a read waits for earlier writes of its keys
  'R7', // a copy refuses effects of a lower epoch
  'R9', // an answer from a process that knows more is no lease yet
  'R10', // reads need a lease from every copy
  'R11', // a copy stops acknowledging a primary before it asks to take its place
  'R12', // a new primary waits for confirmations and for old leases
  'R13', // a restarted primary waits for a later epoch
  'R14', // calls wait during a hand-over
  'R15', // a fill never overwrites a later effect
  'R16', // a learner counts as a copy from before the request to add it
  'R17', // a removed copy asks before it drops its pairs
  'R19', // beacons carry the time of the cluster
] as const;

export type Rule = (typeof RULES)[number];

export interface ReplicaSettings {
  readonly bootId: BootId;
  /**
   * How many processes have had the boot id, with this one. An earlier process may have acknowledged leases which are still
   * valid, and may have been a primary.
   */
  readonly starts: number;
  readonly times: ReplicaTimes;
  /** How many fills to one learner run at once. Default: {@link FILLS_AT_ONCE}. */
  readonly fillsAtOnce?: number;
  /** Rules that are switched off, so that tests see what they are for. */
  readonly without: ReadonlySet<Rule>;
}

/** All in milliseconds. */
export interface ReplicaTimes {
  /** Between two beacons to a process. */
  readonly beaconMs: number;
  /** How long a lease lasts, counted from the sending of the beacon. */
  readonly leaseMs: number;
  /**
   * How long a copy waits for a primary that is silent, and a new primary for a copy that does not confirm it. Longer than a
   * lease by more than clocks drift apart in that time.
   */
  readonly graceMs: number;
  /** The primary asks to remove a copy that has not acknowledged an effect for so long. */
  readonly ackTimeoutMs: number;
  /** Until a request to a proxy is repeated. */
  readonly repeatMs: number;
  /** How long a request that nobody waits for is kept, so that it goes together with others. Less than `repeatMs`. */
  readonly gatherMs: number;
  /** Until a request that has had no visible result is settled by another one. */
  readonly settleMs: number;
  /** How long the primary of a new partition waits for a copy that it has never heard. */
  readonly firstContactMs: number;
  /** A fill without progress is given up after so long. */
  readonly fillTimeoutMs: number;
}

export const DEFAULT_TIMES: ReplicaTimes = Object.freeze({
  beaconMs: 500,
  leaseMs: 2000,
  graceMs: 2500,
  ackTimeoutMs: 1200,
  repeatMs: 400,
  gatherMs: 350,
  settleMs: 2500,
  firstContactMs: 10_000,
  fillTimeoutMs: 10_000,
});

/** A call that waits for longer is refused, so that its caller tries elsewhere. Proxies wait longer for a node. */
export const MAX_CALL_WAIT_MS = 1500;

/** Enough that the learner always has something to store. Each has up to two chunks in flight. */
export const FILLS_AT_ONCE = 8;

/**
 * How many bytes of chunks are on the way to a learner at once: sent and not acknowledged. Much more than the chunks of small pairs
 * take, and little enough that beacons and effects behind them on the link wait only a moment. A larger chunk goes alone.
 */
export const FILL_BYTES_IN_FLIGHT = 2 * 1024 * 1024;

/**
 * From so many bytes of effects that a copy or a learner lacks, the primary lets writers wait, so that a fill ends. The tail has no
 * other limit: one large pair may exceed any, and a copy that makes no progress is removed soon.
 */
export const SLOW_TAIL_BYTES = 4 * 1024 * 1024;

/**
 * While the tails of all partitions of a node take more bytes than this, the writers of a partition wait if its tail takes more
 * than a share.
 */
export const SLOW_NODE_TAIL_BYTES = 64 * 1024 * 1024;

/** What a partition may keep in its tail even then. */
export const SHARE_OF_TAIL_BYTES = 64 * 1024;
