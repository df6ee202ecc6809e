import type { KeyId, MaybePromise } from '@kvs/protocol';
import type {
  EngineDelete,
  EngineDeleteOutcome,
  EngineEntry,
  EnginePair,
  EngineUnavailable,
  EngineWrite,
  EngineWriteOutcome,
} from './engine-data.js';

/**
 * An optional role of a storage engine: it keeps a position for each partition, so that copies of the partition on other
 * nodes can follow its changes. The rules of `StorageEngine` for answers, ownership, order, time and errors hold here too.
 *
 * **Positions.** A partition has the position of the last effect that it contains, {@link START_POSITION} if it contains
 * none. A durable engine stores the position in the same transaction as the pairs, so a crash never leaves one without the
 * other. Expiry, eviction and reclaiming are no effects, and leave the position as it is.
 *
 * **Use.** The caller calls {@link start} first. From then on it changes pairs with this role only, and has at most one change of a
 * partition in flight. It writes and deletes only in partitions that are complete. Reads and scans are those of the engine.
 *
 * **Versions.** The version floor of a partition is at least as high as every version in it. The role keeps it so,
 * also for pairs that were written before {@link start}.
 */
export interface EngineReplication {
  /**
   * Begins the use of the role, and resolves with the identity of the pairs. An engine whose pairs outlive the process keeps
   * the boot id across starts. It takes a new one if acknowledged writes may be missing, because the machine was restarted and
   * the engine did not wait for the disk, or if pairs were changed without this role since. Calling it again resolves with
   * the same identity, or tries again after a failure.
   */
  start(): Promise<EngineIdentity>;

  /**
   * Takes a new boot id, for example because the cluster knows that the present one started more often, so that the
   * data must be an old backup. Pairs and positions stay.
   */
  renewBootId(): Promise<EngineIdentity>;

  /**
   * As `setMany`, for items of one partition. Each item whose outcome is `written` is an effect: with the pair, the
   * position becomes `{ epoch, number: previous number + 1 }`.
   */
  write(
    partition: number,
    writes: readonly EngineWrite[],
    epoch: number,
  ): MaybePromise<readonly EngineWriteOutcome[]>;

  /**
   * As `deleteMany`, for items of one partition. Each item whose outcome is `deleted` is an effect, as in {@link write}. If the
   * engine evicts, `absent` is an effect as well, because another copy may still have the pair.
   */
  delete(
    partition: number,
    deletes: readonly EngineDelete[],
    epoch: number,
  ): MaybePromise<readonly EngineDeleteOutcome[]>;

  /**
   * Raises the version floor to `versionFloor`, so that all later versions of the partition are above it, and applies effects of
   * another copy in the given order, without conditions. A lower version changes nothing. The position becomes that of the last
   * effect; without effects it stays. If the outcome is not `applied`, the engine may have raised the floor and applied the
   * first of the effects; {@link position} tells up to which one.
   */
  apply(
    partition: number,
    effects: readonly EngineEffect[],
    versionFloor: number,
  ): MaybePromise<EngineApplyOutcome>;

  /**
   * Stores pairs of another copy, with their versions and deadlines, and leaves the position as it is. A pair replaces the
   * one with the same key. An engine that {@link isFull} may refuse them. If the outcome is not `applied`, some of the pairs may have
   * been stored.
   */
  fill(partition: number, pairs: readonly EnginePair[]): MaybePromise<EngineApplyOutcome>;

  /**
   * Removes all pairs of the partition, and then sets the position. The version floor stays, so that versions never repeat. It
   * may take several turns of the event loop. Until it is done, and after a crash in the middle, the position is
   * {@link START_POSITION}, and the partition is incomplete. If the outcome is not `applied`, all may be as before.
   *
   * @param completeness `incomplete` begins a fill: the partition stays incomplete until {@link endFill}. A durable engine keeps
   *   the mark, so that a partition with some of its pairs does not look complete after a crash.
   */
  clear(partition: number, position: Position, completeness: Completeness): MaybePromise<EngineApplyOutcome>;

  /** Removes the mark of {@link clear}: the partition has all pairs up to its position. */
  endFill(partition: number): MaybePromise<EngineApplyOutcome>;

  /** Returns the position of the last effect that the partition contains. */
  position(partition: number): Position;

  /** Returns the version floor: at least every version that the partition ever gave or received; 0 if there was none. */
  versionFloor(partition: number): number;

  /**
   * Returns the partitions that have a pair or another position than {@link START_POSITION}, and are not incomplete, in ascending
   * order.
   */
  completePartitions(): readonly number[];

  /** Returns the incomplete partitions in ascending order: those that are being filled, or whose pairs are being removed. */
  incompletePartitions(): readonly number[];

  /**
   * Returns whether the engine has little room left, so that it may soon refuse effects. Always false if it evicts, or if it
   * doesn't know its limit. May move a few records to free memory, which takes some milliseconds at most.
   */
  isFull(): boolean;
}

/** Identifies the pairs of an engine among the nodes of a cluster. */
export interface EngineIdentity {
  /** A random UUID. As long as it stays the same, no acknowledged write is missing. */
  readonly bootId: string;
  /** How many times the role was started with this boot id, this time included. */
  readonly starts: number;
  /** Whether a later process may have the same pairs, with the same boot id. */
  readonly isDurable: boolean;
}

/** Identifies an effect, and the state of a partition after it. */
export interface Position {
  /** The epoch in which the effect was made. */
  readonly epoch: number;
  /** The sequence number of the effect: each effect of a partition has the next one, in whatever epoch. */
  readonly number: number;
}

/** The position of a partition without effects. */
export const START_POSITION: Position = Object.freeze({ epoch: 0, number: 0 });

/** Whether a partition has all pairs up to its position, or is being filled. */
export type Completeness = 'complete' | 'incomplete';

/** One change of a partition, as its primary made it. */
export interface EngineEffect {
  readonly position: Position;
  readonly id: KeyId;
  /** The new entry, perhaps expired already; undefined for a deletion. */
  readonly entry: EngineEntry | undefined;
}

/** `out_of_memory`: the engine has no room for all of it. */
export type EngineApplyOutcome =
  { readonly status: 'applied' } | { readonly status: 'out_of_memory' } | EngineUnavailable;
