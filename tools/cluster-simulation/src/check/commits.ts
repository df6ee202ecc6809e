import { isStartAfterLoss, type PartitionEntry, type Topology } from '@kvs/topology';

/**
 * Checks one change of the topology in the store: the revision grows by one, a changed entry has it as its epoch, and only as
 * much changed as one request may change.
 *
 * @returns the findings
 */
export function checkCommit(before: Topology, after: Topology): string[] {
  const findings: string[] = [];
  if (after.revision !== before.revision + 1)
    findings.push(`revision ${before.revision} → ${after.revision}`);
  if (after.versionCeiling < before.versionCeiling) findings.push('the ceiling of versions went down');
  after.partitions.forEach((entry, partition) => {
    const old = before.partitions[partition];
    if (old === undefined || old === entry) return;
    const finding = checkEntry(old, entry, after.revision);
    if (finding !== undefined) findings.push(`partition ${partition}: ${finding}`);
  });
  return findings;
}

/** Returns what changed in an entry, in words for a summary. */
export function changesOf(before: PartitionEntry, after: PartitionEntry): string[] {
  if (before.primary === undefined) return ['first starts'];
  if (isStartAfterLoss(before, after)) return ['starts after a loss'];
  const changes: string[] = [];
  if (before.primary !== after.primary) changes.push('promotions');
  if (after.inSync.length > before.inSync.length) changes.push('copies added');
  if (after.inSync.length < before.inSync.length) changes.push('copies removed');
  if (after.learner !== undefined && before.learner === undefined) changes.push('learners named');
  if (before.learner !== undefined && after.learner === undefined && !after.inSync.includes(before.learner))
    changes.push('learners withdrawn');
  return changes.length === 0 ? ['entries rewritten'] : changes;
}

function checkEntry(before: PartitionEntry, after: PartitionEntry, revision: number): string | undefined {
  if (after.epoch !== revision) return `epoch ${before.epoch} → ${after.epoch} at revision ${revision}`;
  if (after.primary !== undefined && !after.inSync.includes(after.primary))
    return 'its primary is not in sync';
  if (before.primary === undefined) return undefined; // it starts with all its copies, because all are empty
  const isNewStart = after.inSync.length === 1 && after.inSync[0] === after.primary;
  const added = after.inSync.filter((copy) => !before.inSync.includes(copy));
  const removed = before.inSync.filter((copy) => !after.inSync.includes(copy));
  if (isNewStart && added.length === 1) return undefined;
  if (added.length + removed.length > 1) return 'more than one copy changed';
  if (added.length === 1 && added[0] !== before.learner) return 'a copy was added that was no learner';
  if (added.length + removed.length > 0 && before.primary !== after.primary)
    return 'a copy and the primary changed at once';
  return undefined;
}
