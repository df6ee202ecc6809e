import type { BootId, Topology } from '@kvs/topology';
import type { EngineQueue } from './engine-queue.js';
import type { TurnsPerLearner } from './turns-per-learner.js';
import type { Leases } from './leases.js';
import type { ReplicaPorts } from './ports.js';
import type { Requests } from './requests.js';
import type { ReplicaTimes, Rule } from './settings.js';
import type { Tail } from './tail.js';
import type { TransferBudget } from './transfer-budget.js';

/** What the partitions of a node share. */
export interface NodeContext {
  readonly bootId: BootId;
  /** Whether no earlier process has had the boot id. */
  readonly isNewBootId: boolean;
  /** When this process started, on its monotonic clock. */
  readonly startedMs: number;
  readonly ports: ReplicaPorts;
  readonly times: ReplicaTimes;
  readonly leases: Leases;
  readonly requests: Requests;
  readonly transfers: TransferBudget;
  /** Of the fills to each learner. */
  readonly fillTurns: TurnsPerLearner;
  /** Of the bytes of chunks that are on the way to each learner. */
  readonly chunkTurns: TurnsPerLearner;
  readonly topology: Topology | undefined;
  /** Whether this process is about to end. */
  readonly isLeaving: boolean;
  /** How many bytes the tails of all partitions take, as of the last tick. */
  readonly tailBytes: number;
  /** Returns whether a rule holds: false only in tests. */
  follows(rule: Rule): boolean;
  /** Returns whether the topology says that a process has ended. */
  hasEnded(bootId: BootId): boolean;
  /** Sends a beacon to a process at the end of this step. */
  beaconSoon(to: BootId): void;
  /** Has the node look at a partition, because something waits there that no call or message has begun just now. */
  touch(partition: number): void;
  /** Reads the topology, because another process knows more of it. */
  catchUp(): void;
  /** Notes for operators why a copy could not be filled or kept. */
  noteFailure(partition: number, copy: BootId, reason: string): void;
  /** Counts a copy that is removed because it does not acknowledge, unless its process has ended. */
  noteRemoval(copy: BootId): void;
  /** Returns a text that no other fill has, of whatever process. */
  newFillId(): string;
}

/** Whether a node has all pairs of a partition up to its position, some of a fill that has not ended, or none. */
export type HeldPairs = 'all' | 'some' | 'none';

/** The pairs of a partition on this node, whatever its role. */
export interface PartitionData {
  readonly number: number;
  /** The last effects. The engine may still be applying those at the end. */
  tail: Tail;
  readonly queue: EngineQueue;
  /** Since when this node has its role under this primary. */
  readonly sinceMs: number;
  /** The primary before the present one; undefined if this process does not know it. */
  readonly former: BootId | undefined;
  pairs: HeldPairs;
}
