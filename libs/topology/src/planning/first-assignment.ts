import { HashRing } from '@kvs/hash-ring';
import { ALL_PARTITIONS } from '@kvs/protocol';
import type { BootId, PartitionEntry } from '../topology.js';
import { bestReceiver, canReceive } from './copies.js';
import type { Draft } from './draft.js';
import { newestHolders } from './holders.js';
import { Peers } from './peers.js';
import type { PlanNode } from './plan-node.js';
import { ownersInRuns } from './runs.js';

/**
 * Gives every partition its first primary, once the nodes are there. If no node has pairs, each node gets a run of partitions.
 * Else the pairs of a fixed list of nodes stay where they are: a partition goes to the node that has pairs of it, or to the
 * owner by the hash ring. If several nodes have pairs of it, the newest position wins, and then the owner: the others may have
 * pairs from an earlier list. A partition of which no node has pairs begins with all its copies, because they are equal without
 * a fill.
 */
export function assignFirst(draft: Draft): void {
  if (draft.entries.every(({ primary }) => primary !== undefined) || !areNodesThere(draft)) return;
  const ownerOf = ringOwner(draft.usable);
  const holders = newestHolders(draft, ownerOf);
  const owners =
    holders.size === 0
      ? ownersInRuns(draft.usable)
      : ALL_PARTITIONS.map((partition) => [partition, ownerOf(partition)] as const);
  const peers = new Peers(draft);
  for (const [partition, owner] of owners) {
    const entry = draft.entries[partition];
    const holder = holders.get(partition)?.node;
    const primary = holder ?? draft.nodeOf(owner);
    if (primary === undefined || entry === undefined || entry.primary !== undefined) continue;
    const copies = holder === undefined ? firstCopies(draft, peers, { entry, partition, primary }) : [];
    for (const copy of copies) peers.add(primary.bootId, copy);
    draft.request(partition, {
      kind: 'start',
      primary: primary.bootId,
      instead: undefined,
      copies: copies.map(({ bootId }) => bootId),
    });
  }
}

/** Returns the owner of a partition by the hash ring of these nodes, which must not be empty. */
export function ringOwner(nodes: readonly PlanNode[]): (partition: number) => BootId {
  const ring = new HashRing(
    nodes.map(({ node: { id, weight }, bootId }) => ({ id, weight, data: { bootId } })),
  );
  return (partition) => ring.owner(partition).data.bootId;
}

interface FirstPlace {
  readonly entry: PartitionEntry;
  readonly partition: number;
  readonly primary: PlanNode;
}

function firstCopies(draft: Draft, peers: Peers, { entry, partition, primary }: FirstPlace): PlanNode[] {
  const chosen = [primary];
  while (chosen.length < draft.wanted) {
    const isAllowed = (node: PlanNode) => !chosen.includes(node) && canReceive(draft, partition, entry, node);
    const copy = bestReceiver(draft, peers, { primary: primary.bootId, staying: chosen, isAllowed });
    if (copy === undefined) break;
    chosen.push(copy);
  }
  return chosen.slice(1);
}

/** Returns whether all expected nodes have come and reported, and no other node came within the last moments. */
export function areNodesThere({ usable, reachable, missing, input }: Draft): boolean {
  const { statuses, topology, nowMs } = input;
  if (usable.length === 0 || missing.length > 0) return false;
  if (reachable.some(({ hasReported }) => !hasReported)) return false;
  const agesMs = usable.map(({ bootId }) => nowMs - (statuses.get(bootId)?.firstHeardMs ?? nowMs));
  const isEnough = usable.length >= topology.copies || Math.max(...agesMs) >= ENOUGH_NODES_MS;
  return isEnough && Math.min(...agesMs) >= NEW_NODE_MS;
}

/** The first assignment waits until no node has come for so long. */
const NEW_NODE_MS = 2000;
/** After this time, the first assignment takes fewer nodes than there should be copies. */
const ENOUGH_NODES_MS = 10_000;
