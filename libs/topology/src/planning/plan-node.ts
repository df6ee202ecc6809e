import type { BootId, Topology, TopologyNode } from '../topology.js';
import type { PlanInput } from './plan-input.js';
import { boundsOf, fairCopies, fairPrimaries, type Bounds } from './shares.js';

/** A registered node while a plan is made. The counts follow what the plan asks for. */
export interface PlanNode {
  readonly node: TopologyNode;
  readonly bootId: BootId;
  /** Its zone, or a text of its own if it has none. */
  readonly zone: string;
  readonly isReachable: boolean;
  /** Whether it has reported to this controller. One that has not may have just started, or be gone. */
  readonly hasReported: boolean;
  /** Whether it is about to end, so that it gets nothing more. Its copies count until it has ended. */
  readonly isLeaving: boolean;
  /** Whether its copies count. They don't if it is draining, has ended, or was away for too long. */
  readonly isKept: boolean;
  /** Whether it can get copies and partitions to serve. */
  readonly isUsable: boolean;
  /** Whether it still has its pairs and can give them to others. */
  readonly isDraining: boolean;
  readonly copyBounds: Bounds;
  readonly primaryBounds: Bounds;
  /** How many copies it will have after all moves that were asked for. */
  copies: number;
  primaries: number;
  /** The estimated bytes of one of its partitions. They have about the same size, because keys are spread evenly. */
  partitionBytes: number;
  /** The estimated bytes of the moves to it and from it that have not ended. */
  movingBytes: number;
  /** How many bytes more it can take after the moves to it; undefined for no limit. */
  freeBytes: number | undefined;
}

/** Returns how many partitions the node serves beyond its share. */
export function excessOf({ primaries, primaryBounds }: PlanNode): number {
  return primaries - primaryBounds.fair;
}

/** A node that was not heard for so long is not asked for anything, in milliseconds. Nodes report every second. */
export const REACHABLE_FOR_MS = 3000;

/** Returns the registered nodes with their shares. O(nodes²) for many zones. */
export function planNodesOf(input: PlanInput): PlanNode[] {
  const { topology, statuses, settings, nowMs } = input;
  const ended = new Set(topology.ended.map(({ bootId }) => bootId));
  const nodes = topology.nodes.map((node) => {
    const status = statuses.get(node.bootId);
    const awayMs = status === undefined ? Infinity : nowMs - status.lastHeardMs;
    const hasEnded = ended.has(node.bootId) || status?.report?.isEnding === true;
    const isReachable = !hasEnded && awayMs <= REACHABLE_FOR_MS;
    // A node that ended keeps its share for a while, because it may start again. Its copies are gone nonetheless.
    const hasShare =
      node.state !== 'draining' &&
      (isReachable || (node.state === 'active' && awayMs <= settings.replaceAfterMs));
    const isLeaving = status?.report?.isLeaving === true;
    return { node, status, isReachable, isLeaving, hasShare, isKept: hasShare && !ended.has(node.bootId) };
  });
  const sharers = nodes
    .filter(({ hasShare }) => hasShare)
    .map(({ node }) => ({ node, zone: zoneOf(node), weight: node.weight }));
  const copies = fairCopies(sharers, topology.copies);
  const primaries = fairPrimaries(sharers);
  return nodes.map(({ node, status, isReachable, isLeaving, isKept }) => {
    const at = sharers.findIndex((sharer) => sharer.node === node);
    return {
      node,
      bootId: node.bootId,
      zone: zoneOf(node),
      isReachable,
      hasReported: status?.report !== undefined,
      isLeaving,
      isKept,
      isUsable: isReachable && isKept && !isLeaving,
      isDraining: isReachable && node.state === 'draining',
      copyBounds: boundsOf(copies[at] ?? 0),
      primaryBounds: boundsOf(primaries[at] ?? 0),
      copies: 0,
      primaries: 0,
      partitionBytes: 0,
      movingBytes: 0,
      freeBytes: status?.report?.freeBytes,
    };
  });
}

/** Returns how many copies each partition can have: as many as wanted, if there are as many nodes. */
export function possibleCopies(topology: Topology, nodes: readonly PlanNode[]): number {
  return Math.min(topology.copies, nodes.filter(({ copyBounds }) => copyBounds.fair > 0).length);
}

/** Nodes without a zone are a zone each. No zone that an operator gives contains a zero character. */
function zoneOf({ zone, id }: TopologyNode): string {
  return zone === '' ? `\0${id}` : zone;
}
