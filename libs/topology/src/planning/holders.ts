import type { HeldPartition } from '../control-plane/messages.js';
import type { BootId } from '../topology.js';
import type { Draft } from './draft.js';
import type { PlanNode } from './plan-node.js';

/** A process with pairs of a partition in which it is no in-sync copy. */
export interface Holder {
  readonly node: PlanNode;
  readonly position: HeldPartition['position'];
}

/**
 * Returns, by partition, the reachable process with the newest pairs among those that are not in sync. A draining node counts,
 * because its pairs may be the last ones. If it becomes primary, it is drained again.
 *
 * @param preferred returns which process it is if several have equally new pairs
 */
export function newestHolders(
  { reachable, input }: Draft,
  preferred: (partition: number) => BootId | undefined = () => undefined,
): Map<number, Holder> {
  const newest = new Map<number, Holder>();
  for (const node of reachable) {
    for (const { partition, position } of input.statuses.get(node.bootId)?.report?.held ?? []) {
      const other = newest.get(partition)?.position;
      const lead = other === undefined ? 1 : compare(position, other);
      if (lead > 0 || (lead === 0 && preferred(partition) === node.bootId))
        newest.set(partition, { node, position });
    }
  }
  return newest;
}

/** Returns a positive number if the first position is newer, and 0 if they are equal. */
function compare(a: HeldPartition['position'], b: HeldPartition['position']): number {
  return a.epoch - b.epoch || a.number - b.number;
}
