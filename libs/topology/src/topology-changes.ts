import { isIP } from 'node:net';
import { hostOf, KvsError } from '@kvs/protocol';
import { changeEntry, isStartAfterLoss, type EntryChange } from './entry-changes.js';
import {
  hasRole,
  type BootId,
  type EndedProcess,
  type NodeIdentity,
  type NodeState,
  type Topology,
  type TopologyNode,
} from './topology.js';

/** A change of one partition's entry, with the epoch that its asker knew. */
export interface EntryRequest {
  readonly partition: number;
  readonly epoch: number;
  readonly change: EntryChange;
}

/** The changes that an operator makes to the settings of a cluster. In JSON they are `copies` and `min_in_sync`. */
export interface SettingsUpdate {
  readonly copies?: number;
  readonly minInSync?: number;
}

/**
 * Makes one topology of many requests. Returns the topology itself if no request can be met. A request is passed over if its
 * entry has another epoch than the asker knew, or if the change does not fit. Of several requests for one partition the first
 * that fits is met. O(requests + 4,096).
 */
export function applyRequests(topology: Topology, requests: readonly EntryRequest[]): Topology {
  const revision = topology.revision + 1;
  const partitions = [...topology.partitions];
  let { lossCount } = topology;
  let isChanged = false;
  for (const { partition, epoch, change } of requests) {
    const entry = partitions[partition];
    if (entry?.epoch !== epoch) continue;
    const next = changeEntry(entry, change, revision);
    if (next === undefined) continue;
    if (topology.sharedStore === undefined && isStartAfterLoss(entry, next)) lossCount++;
    partitions[partition] = next;
    isChanged = true;
  }
  return isChanged ? { ...topology, revision, lossCount, partitions } : topology;
}

/**
 * Adds a node, or notes that a known node has started again: with another boot id, at another address. A node that is known
 * keeps its state, and the zone and weight that an operator may have changed. A process that has lost its host address and
 * port to this one has ended; a DNS name proves nothing, because it may lead elsewhere now.
 *
 * @param sharedStore the id of the store that the node shares with others; undefined if its pairs are its own
 * @throws KvsError `wrong_store`: the other nodes have their pairs elsewhere. `duplicate_node`: another node has the address
 * or the boot id. `outdated_directory`: another process has started with this boot id at least as often as this one, so the
 * directory is a restored backup and needs a new boot id
 */
export function registerNode(before: Topology, node: NodeIdentity, sharedStore?: string): Topology {
  const topology = before.nodes.length === 0 ? withStore(before, sharedStore) : before;
  const ended = topology.ended.filter((one) => one.bootId !== node.bootId);
  if (topology.sharedStore !== sharedStore) throw wrongStore(topology, node, sharedStore);
  const other = topology.nodes.find(
    ({ id, address, bootId }) => id !== node.id && (address === node.address || bootId === node.bootId),
  );
  if (other !== undefined) {
    throw new KvsError('duplicate_node', `${other.id} has the address ${other.address} already`);
  }
  const earlier = [...topology.nodes, ...topology.ended].find(({ bootId }) => bootId === node.bootId);
  if (earlier !== undefined && isOutdated(node, earlier)) {
    throw new KvsError(
      'outdated_directory',
      `another process has started with the directory of ${node.id} at least as often`,
    );
  }
  const known = topology.nodes.find(({ id }) => id === node.id);
  if (known === undefined)
    return withNodes(topology, [...topology.nodes, { ...node, state: 'joining' }], ended);
  const { address, redisAddress, bootId, isDurable, starts, processId } = node;
  const same = ['address', 'redisAddress', 'bootId', 'starts', 'processId'] as const;
  if (same.every((field) => known[field] === node[field])) return topology;
  const again: TopologyNode = { ...known, address, redisAddress, bootId, isDurable, starts, processId };
  const nodes = topology.nodes.map((one) => (one === known ? again : one));
  const hasEnded = known.bootId !== bootId && known.address === address && isHostAddress(address);
  return withNodes(topology, nodes, hasEnded ? [...ended, known] : ended);
}

/** Returns whether another process has started with the boot id at least as often. */
function isOutdated({ starts, processId }: NodeIdentity, earlier: NodeIdentity | EndedProcess): boolean {
  const { starts: earlierStarts = 0 } = earlier;
  const isSameProcess = earlier.processId === undefined || earlier.processId === processId;
  return earlierStarts > starts || (earlierStarts === starts && !isSameProcess);
}

/** Returns the topology of a cluster of which the first node has this store. */
function withStore(topology: Topology, sharedStore: string | undefined): Topology {
  const settings = sharedStore === undefined ? {} : { copies: 1, minInSync: 1 };
  return { ...topology, ...settings, sharedStore };
}

function wrongStore(topology: Topology, { id }: NodeIdentity, sharedStore: string | undefined): KvsError {
  const store = (name: string | undefined) =>
    name === undefined ? 'keeps its own pairs' : `shares the store ${name}`;
  return new KvsError(
    'wrong_store',
    `${id} ${store(sharedStore)}, but every other node of this cluster ${store(topology.sharedStore)}`,
  );
}

/** Notes that a process has ended, if it has a role. Returns the topology itself if that is known, or if it has none. */
export function endProcess(topology: Topology, process: EndedProcess): Topology {
  const { bootId, isDurable } = process;
  const others = topology.ended.filter((one) => one.bootId !== bootId);
  const known = topology.ended.find((one) => one.bootId === bootId);
  if (known?.isDurable === isDurable) return topology;
  if (!isInUse(topology, bootId)) return topology;
  return withNodes(topology, topology.nodes, [...others, { ...known, ...process }]);
}

/**
 * Changes the weight, the zone or the state of a node. Returns the topology itself if nothing changes.
 *
 * @throws KvsError `unknown_node`
 */
export function updateNode(
  topology: Topology,
  id: string,
  update: { readonly weight?: number; readonly zone?: string; readonly state?: NodeState },
): Topology {
  const node = nodeById(topology, id);
  const next = { ...node, ...update };
  const isSame = next.weight === node.weight && next.zone === node.zone && next.state === node.state;
  return isSame
    ? topology
    : withNodes(
        topology,
        topology.nodes.map((one) => (one === node ? next : one)),
      );
}

/**
 * Changes how many copies each partition should have, and how many a write needs. Returns the topology itself if nothing
 * changes. Entries stay as they are: the controller makes and removes copies.
 *
 * @throws KvsError `invalid_shape`: writes would need more copies than there should be, or the nodes share one store
 */
export function updateSettings(topology: Topology, update: SettingsUpdate): Topology {
  const { copies, minInSync } = { ...topology, ...update };
  if (minInSync > copies)
    throw new KvsError('invalid_shape', `min_in_sync ${minInSync} is more than copies ${copies}`);
  if (copies > 1 && topology.sharedStore !== undefined)
    throw new KvsError('invalid_shape', 'the nodes share one store, so partitions have no copies');
  if (copies === topology.copies && minInSync === topology.minInSync) return topology;
  return { ...topology, revision: topology.revision + 1, copies, minInSync };
}

/**
 * Takes a node off the list. Entries that name its boot id keep it: only their own rules change them.
 *
 * @throws KvsError `unknown_node`
 */
export function removeNode(topology: Topology, id: string): Topology {
  const node = nodeById(topology, id);
  return withNodes(
    topology,
    topology.nodes.filter((one) => one !== node),
  );
}

/** Raises the highest version that primaries may give. Returns the topology itself if it is as high already. */
export function raiseVersionCeiling(topology: Topology, versionCeiling: number): Topology {
  if (versionCeiling <= topology.versionCeiling) return topology;
  return { ...topology, revision: topology.revision + 1, versionCeiling };
}

function nodeById(topology: Topology, id: string): TopologyNode {
  const node = topology.nodes.find((one) => one.id === id);
  if (node === undefined) throw new KvsError('unknown_node', `no node has the id ${id}`);
  return node;
}

function withNodes(topology: Topology, nodes: readonly TopologyNode[], ended = topology.ended): Topology {
  const sorted = [...nodes].sort((a, b) => (a.id < b.id ? -1 : 1));
  const remembered = ended
    .filter(({ bootId }) => isInUse(topology, bootId))
    .map(({ bootId, isDurable, starts, processId }) => ({ bootId, isDurable, starts, processId }));
  return { ...topology, revision: topology.revision + 1, nodes: sorted, ended: remembered };
}

/** Returns whether the process has a role in any partition. O(4,096). */
function isInUse({ partitions }: Topology, bootId: BootId): boolean {
  return partitions.some((entry) => hasRole(entry, bootId));
}

/** Returns whether `host:port` names a host by its number, or this machine. */
function isHostAddress(address: string): boolean {
  const host = hostOf(address);
  return isIP(host) !== 0 || host === 'localhost';
}
