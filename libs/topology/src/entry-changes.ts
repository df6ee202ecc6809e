import type { BootId, PartitionEntry } from './topology.js';

/**
 * A change of a partition's entry that a process may ask for. Only the primary adds and removes copies. A copy, or the controller on its
 * behalf, may ask that it become primary; the old primary stays in sync until the new one removes it. The controller names
 * and withdraws learners.
 */
export type EntryChange =
  /** The learner is filled and becomes an in-sync copy. */
  | { readonly kind: 'add'; readonly by: BootId; readonly copy: BootId }
  /** A copy that does not answer is in sync no longer. */
  | { readonly kind: 'remove'; readonly by: BootId; readonly copy: BootId }
  /** A copy takes over from `instead`. A planned hand-over is the same change, asked for by the old primary. */
  | { readonly kind: 'promote'; readonly copy: BootId; readonly instead: BootId }
  | { readonly kind: 'nameLearner'; readonly learner: BootId }
  | { readonly kind: 'withdrawLearner'; readonly learner: BootId }
  /** Nothing but the epoch changes, which settles every earlier request. */
  | { readonly kind: 'rewrite' }
  /**
   * The partition starts with one copy, because all its copies are gone. If it was never assigned, so that nobody has pairs of it,
   * it may start with more copies, which are all empty.
   */
  | {
      readonly kind: 'start';
      readonly primary: BootId;
      readonly instead: BootId | undefined;
      readonly copies: readonly BootId[];
    };

/**
 * Returns the entry after a change, or undefined if the change does not fit the entry.
 *
 * @param epoch the revision of the topology that the new entry will be part of
 */
export function changeEntry(
  entry: PartitionEntry,
  change: EntryChange,
  epoch: number,
): PartitionEntry | undefined {
  const next = changed(entry, change);
  return next && { ...entry, ...next, epoch };
}

/**
 * Returns whether a partition started again without acknowledged writes: no process that was in sync is in sync any more. Not for
 * nodes that share a store, where every move is like that.
 */
export function isStartAfterLoss(before: PartitionEntry, after: PartitionEntry): boolean {
  return before.primary !== undefined && !after.inSync.some((copy) => before.inSync.includes(copy));
}

function changed(
  { primary, inSync, learner }: PartitionEntry,
  change: EntryChange,
): Partial<PartitionEntry> | undefined {
  switch (change.kind) {
    case 'add':
      if (primary !== change.by || learner !== change.copy) return undefined;
      return { inSync: [...inSync, change.copy], learner: undefined, isAfterLoss: undefined };
    case 'remove':
      if (primary !== change.by || change.copy === primary || !inSync.includes(change.copy)) return undefined;
      return { inSync: inSync.filter((copy) => copy !== change.copy) };
    case 'promote':
      if (primary !== change.instead || primary === change.copy || !inSync.includes(change.copy))
        return undefined;
      return { primary: change.copy };
    case 'nameLearner':
      if (primary === undefined || learner !== undefined || inSync.includes(change.learner)) return undefined;
      return { learner: change.learner };
    case 'withdrawLearner':
      return learner === change.learner ? { learner: undefined } : undefined;
    case 'rewrite':
      return {};
    case 'start':
      return start(primary, change);
  }
}

function start(
  before: BootId | undefined,
  { primary, instead, copies }: Extract<EntryChange, { kind: 'start' }>,
): Partial<PartitionEntry> | undefined {
  const inSync = [primary, ...copies];
  const isPossible = before === undefined || copies.length === 0;
  if (before !== instead || before === primary || !isPossible || new Set(inSync).size < inSync.length)
    return undefined;
  return { primary, inSync, learner: undefined, ...(instead !== undefined && { isAfterLoss: true }) };
}
