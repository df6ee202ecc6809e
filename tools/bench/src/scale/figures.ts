import { DEFAULT_TIMES } from '@kvs/replication';
import { topologyToJson, type BootId, type EntriesRequest, type Topology } from '@kvs/topology';
import { bigCluster } from './big-cluster.js';
import { recover, type Recovery, type RecoveryLoad } from './recovery.js';

/** The least, the mean and the most of something that each node has. */
export interface Range {
  readonly least: number;
  readonly mean: number;
  readonly most: number;
}

/** The figures of a cluster of one size. */
export interface ScaleFigures {
  readonly nodeCount: number;
  /** Bytes of the whole document as JSON. */
  readonly topologyBytes: number;
  /** Bytes of a request for the change of one entry. */
  readonly changeBytes: number;
  /** Partitions that a node serves. */
  readonly primaries: Range;
  /** Partitions that a node has copies of. */
  readonly copies: Range;
  /** Nodes with copies of the partitions that a node serves. */
  readonly peers: Range;
  /** Beacons that a node sends to each peer, per second. */
  readonly beaconsPerSecond: number;
  readonly routes: number;
  readonly recovery: Recovery;
}

/** Returns the figures of a cluster of so many nodes. */
export function figuresOf(nodeCount: number, load: RecoveryLoad): ScaleFigures {
  const cluster = bigCluster(nodeCount);
  const { topology } = cluster;
  const loads = Object.values(cluster.loads());
  return {
    nodeCount,
    topologyBytes: topologyToJson(topology).length,
    changeBytes: changeBytesOf(topology),
    primaries: rangeOf(loads.map(([, primaries]) => primaries)),
    copies: rangeOf(loads.map(([copies]) => copies)),
    peers: rangeOf([...peersOf(topology).values()].map((peers) => peers.size)),
    beaconsPerSecond: 1000 / DEFAULT_TIMES.beaconMs,
    routes: topology.partitions.length,
    recovery: recover(cluster, load),
  };
}

function peersOf({ nodes, partitions }: Topology): ReadonlyMap<BootId, ReadonlySet<BootId>> {
  const peers = new Map(nodes.map(({ bootId }) => [bootId, new Set<BootId>()]));
  for (const { primary, inSync } of partitions)
    for (const copy of inSync) if (primary !== undefined && copy !== primary) peers.get(primary)?.add(copy);
  return peers;
}

/** A primary asks to remove a copy. */
function changeBytesOf({ clusterId, revision, partitions }: Topology): number {
  const { primary, inSync, epoch } = partitions[0] ?? {};
  const copy = inSync?.find((one) => one !== primary);
  if (primary === undefined || copy === undefined || epoch === undefined)
    throw new TypeError('the first partition has no second copy');
  const change = { kind: 'remove' as const, by: primary, copy };
  const request: EntriesRequest = {
    clusterId,
    revision,
    by: primary,
    requests: [{ partition: 0, epoch, change }],
  };
  return JSON.stringify(request).length;
}

function rangeOf(values: readonly number[]): Range {
  const sum = values.reduce((total, value) => total + value, 0);
  return { least: Math.min(...values), mean: sum / values.length, most: Math.max(...values) };
}
