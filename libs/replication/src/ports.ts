import type {
  Completeness,
  EngineDelete,
  EngineDeleteOutcome,
  EnginePair,
  EngineWrite,
  EngineWriteOutcome,
} from '@kvs/kv-store';
import type { BootId, EntryRequest } from '@kvs/topology';
import type { Effect, Message } from './messages.js';
import type { Position } from './position.js';

/** Everything that a replica needs of the world. It calls back at once or later, but never after the process ended. */
export interface ReplicaPorts {
  /** Returns the monotonic time in milliseconds. */
  readonly nowMs: () => number;
  /**
   * Returns the time by which leases of this process end, in milliseconds: the monotonic time, and all time that passed while
   * the machine was suspended, as far as the process can tell. It may run too fast, and never too slow.
   */
  readonly leaseNowMs: () => number;
  /** Sends a message, or drops it if there is no connection. Messages to one process keep their order. */
  readonly send: (to: BootId, message: Message) => void;
  /** Returns whether there is a connection on which messages go to a process. */
  readonly isConnected: (to: BootId) => boolean;
  /** Asks any proxy for changes. If it answers, `Replica.learn` is called with the topology. */
  readonly ask: (requests: readonly EntryRequest[]) => void;
  /** Reads the topology from the store through any proxy. Calls back after `Replica.learn`, or never. */
  readonly readTopology: (done: () => void) => void;
  /**
   * Calls back when all earlier messages of a process are handled. After a pause, timers fire before the waiting input is read. The
   * process must read that input before it judges others as silent.
   */
  readonly afterInput: (from: BootId, done: () => void) => void;
  /** The clock of the cluster in milliseconds since 1970, by which pairs expire. It never goes back. */
  readonly clock: { nowMs(): number; raise(timeMs: number): void };
  readonly engine: ReplicaEngine;
}

/**
 * The engine of the node. Each method works on one partition. The replica makes one call at a time for each partition that
 * changes pairs. Each call must end. If one does not, the process must stop answering others, because a primary whose engine never
 * calls back would keep its role.
 */
export interface ReplicaEngine {
  /** Whether the engine deletes valid pairs when it is full. Then copies may have a pair that the primary has not. */
  readonly evicts: boolean;
  /** Returns whether no more pairs can be stored. */
  isFull(): boolean;
  /** Returns the partitions that have pairs or a position and are complete, when the process starts. */
  completePartitions(): readonly number[];
  /** Returns the partitions of which a fill or the deletion of all pairs began and did not end, when the process starts. */
  incompletePartitions(): readonly number[];
  /** Returns the position of the last effect that was committed. */
  position(partition: number): Position;
  /** Returns the highest version that the partition has had. */
  highestVersion(partition: number): number;
  /**
   * Writes with conditions. Each item that takes effect moves the position by one, with this epoch as its origin.
   *
   * Calls back with undefined if it is not known which items took effect.
   */
  write(
    partition: number,
    batch: WriteBatch,
    epoch: number,
    done: (outcomes: WriteOutcomes | undefined) => void,
  ): void;
  /**
   * Makes later versions higher than `highestVersion`, and applies effects without conditions. The position becomes that of the
   * last one.
   */
  apply(
    partition: number,
    effects: readonly Effect[],
    highestVersion: number,
    done: (result: ApplyResult) => void,
  ): void;
  /** Stores pairs of a fill as they are. */
  fill(partition: number, pairs: readonly EnginePair[], done: (result: ApplyResult) => void): void;
  /**
   * Deletes all pairs, and sets the position. Versions that are given later are higher than all before. If it fails, all pairs may
   * still be there, with their position. An incomplete partition stays so until `endFill`, also for later processes.
   */
  clear(
    partition: number,
    position: Position,
    completeness: Completeness,
    done: (result: ApplyResult) => void,
  ): void;
  endFill(partition: number, done: (result: ApplyResult) => void): void;
  /** Reads the pairs of a partition in chunks, as the engine's `scan` does. */
  scan(partition: number): FillScan;
}

/** The pairs of a partition, read for a learner. The reader asks for one chunk at a time. */
export interface FillScan {
  /** Calls back with a chunk, `end`, or `failed`. */
  next(done: (result: readonly EnginePair[] | 'end' | 'failed') => void): void;
  close(): void;
}

export type ApplyResult = 'applied' | 'out_of_memory' | 'unavailable';

/** Items for one partition. */
export type WriteBatch =
  | { readonly kind: 'set'; readonly items: readonly EngineWrite[] }
  | { readonly kind: 'delete'; readonly items: readonly EngineDelete[] };

/** An outcome for each item, in order. */
export type WriteOutcomes =
  | { readonly kind: 'set'; readonly outcomes: readonly EngineWriteOutcome[] }
  | { readonly kind: 'delete'; readonly outcomes: readonly EngineDeleteOutcome[] };

/** Why a call to a partition was not done. */
export interface Refusal {
  readonly kind: 'refused';
  readonly code: 'wrong_node' | 'under_replicated' | 'out_of_memory' | 'overloaded';
  readonly message: string;
}

/** How a write ended. */
export type WriteAnswer =
  | { readonly kind: 'done'; readonly result: WriteOutcomes }
  | Refusal
  /** The write was perhaps applied, and perhaps not. */
  | { readonly kind: 'maybeApplied'; readonly message: string };

/** How a read ended. */
export type ReadAnswer<T> = { readonly kind: 'done'; readonly result: T } | Refusal;

/** The state of a partition on this node, for operators. */
export interface PartitionState {
  readonly partition: number;
  readonly role: 'primary' | 'copy' | 'learner' | 'none';
  readonly isServing: boolean;
  readonly epoch: number;
  readonly position: Position;
  readonly tailBytes: number;
  /** How many effects the slowest copy lacks; 0 if this node is not the primary. */
  readonly lag: number;
}
