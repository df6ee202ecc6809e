import { isRecord, PARTITION_COUNT, PARTITION_FUNCTION } from '@kvs/protocol';
import { TopologyError } from './errors.js';
import {
  MAX_COPIES,
  NODE_STATES,
  type BootId,
  type NodeState,
  type PartitionEntry,
  type Topology,
  type TopologyNode,
} from './topology.js';

/** Names the form of the document, and which function gives a key its partition. */
const FORMAT = `kvs-topology/1 ${PARTITION_FUNCTION}`;

/**
 * Returns the topology as JSON, the same text for equal topologies. Boot ids are written once and then named by their index.
 * Neighboring partitions with equal entries are written as one run `[count, epoch, primary, inSync, learner]`, where −1 stands
 * for no copy.
 */
export function topologyToJson(topology: Topology): string {
  const indexes = new Map<BootId, number>();
  const indexOf = (bootId: BootId | undefined): number => {
    if (bootId === undefined) return NOBODY;
    const index = indexes.get(bootId) ?? indexes.size;
    indexes.set(bootId, index);
    return index;
  };
  const runs: [number, ...unknown[]][] = [];
  let last = '';
  for (const { epoch, primary, inSync, learner } of topology.partitions) {
    const entry = [epoch, indexOf(primary), inSync.map(indexOf), indexOf(learner)];
    const text = JSON.stringify(entry);
    const run = runs.at(-1);
    if (run !== undefined && text === last) run[0]++;
    else runs.push([1, ...entry]);
    last = text;
  }
  const { clusterId, revision, copies, minInSync, versionCeiling } = topology;
  const nodes = topology.nodes.map(({ id, address, zone, weight, bootId, state }) => ({
    id,
    address,
    zone,
    weight,
    bootId,
    state,
  }));
  const bootIds = [...indexes.keys()];
  const settings = { clusterId, revision, copies, minInSync, versionCeiling };
  return JSON.stringify({ format: FORMAT, ...settings, nodes, bootIds, partitions: runs });
}

/**
 * Returns the topology that {@link topologyToJson} wrote. Everything is checked.
 *
 * @throws TopologyError `invalid_topology`
 */
export function topologyFromJson(text: string): Topology {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw new TopologyError('invalid_topology', 'the document is not JSON', { cause });
  }
  if (!isRecord(document)) throw invalid('the document is not an object');
  if (document['format'] !== FORMAT) throw invalid(`the format is not ${FORMAT}`);
  const copies = integer(document, 'copies', 1, MAX_COPIES);
  return {
    clusterId: nonEmpty(document, 'clusterId'),
    revision: integer(document, 'revision', 1),
    copies,
    minInSync: integer(document, 'minInSync', 1, copies),
    versionCeiling: integer(document, 'versionCeiling', 0),
    nodes: nodesOf(list(document, 'nodes')),
    partitions: partitionsOf(document, integer(document, 'revision', 1)),
  };
}

function nodesOf(items: readonly unknown[]): TopologyNode[] {
  const nodes = items.map((item): TopologyNode => {
    if (!isRecord(item)) throw invalid('a node is not an object');
    const { weight, zone } = item;
    if (typeof weight !== 'number' || !(weight > 0)) throw invalid('a weight is not a number above 0');
    if (typeof zone !== 'string') throw invalid('a zone is not a text');
    return {
      id: nonEmpty(item, 'id'),
      address: nonEmpty(item, 'address'),
      zone,
      weight,
      bootId: bootId(item['bootId']),
      state: nodeState(item['state']),
    };
  });
  for (const field of ['id', 'address', 'bootId'] as const) {
    if (new Set(nodes.map((node) => node[field])).size < nodes.length)
      throw invalid(`two nodes have the same ${field}`);
  }
  if (nodes.some(({ id }, i) => i > 0 && id <= (nodes[i - 1]?.id ?? '')))
    throw invalid('the nodes are not in ascending order of their ids');
  return nodes;
}

function partitionsOf(document: Record<string, unknown>, revision: number): PartitionEntry[] {
  const bootIds = list(document, 'bootIds').map(bootId);
  const entries: PartitionEntry[] = [];
  for (const run of list(document, 'partitions')) {
    if (!Array.isArray(run) || run.length !== RUN_LENGTH)
      throw invalid('a run of partitions has no five parts');
    const [count, ...parts] = run as readonly unknown[];
    if (!isInteger(count, 1, PARTITION_COUNT - entries.length))
      throw invalid('there are too many partitions');
    const entry = entryOf(parts, bootIds, revision);
    for (let i = 0; i < count; i++) entries.push(entry);
  }
  if (entries.length !== PARTITION_COUNT) throw invalid(`there are ${entries.length} partitions`);
  return entries;
}

function entryOf(
  [epoch, primary, inSync, learner]: readonly unknown[],
  bootIds: readonly BootId[],
  revision: number,
): PartitionEntry {
  const who = (index: unknown): BootId | undefined => {
    if (index === NOBODY) return undefined;
    const found = isInteger(index, 0, bootIds.length - 1) ? bootIds[index] : undefined;
    if (found === undefined) throw invalid(`there is no boot id ${String(index)}`);
    return found;
  };
  if (!isInteger(epoch, 0, revision)) throw invalid('an epoch is not a revision up to the present one');
  if (!Array.isArray(inSync)) throw invalid('the copies of a partition are not a list');
  const copies = inSync.map(who).filter((copy) => copy !== undefined);
  const entry: PartitionEntry = { epoch, primary: who(primary), inSync: copies, learner: who(learner) };
  const named = entry.learner === undefined ? copies : [...copies, entry.learner];
  if (copies.length !== inSync.length || new Set(named).size < named.length)
    throw invalid('a copy of a partition is nobody, or is named twice');
  if (entry.primary === undefined ? named.length > 0 : !copies.includes(entry.primary))
    throw invalid('the primary of a partition is not one of its copies in sync');
  return entry;
}

function list(document: Record<string, unknown>, field: string): readonly unknown[] {
  const value = document[field];
  if (!Array.isArray(value)) throw invalid(`${field} is not a list`);
  return value;
}

function nonEmpty(document: Record<string, unknown>, field: string): string {
  const value = document[field];
  if (typeof value !== 'string' || value === '') throw invalid(`${field} is not a text`);
  return value;
}

function integer(document: Record<string, unknown>, field: string, min: number, max?: number): number {
  const value = document[field];
  if (!isInteger(value, min, max)) throw invalid(`${field} is not a whole number in its range`);
  return value;
}

function isInteger(value: unknown, min: number, max = Number.MAX_SAFE_INTEGER): value is number {
  return Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max;
}

function bootId(value: unknown): BootId {
  if (!isBootId(value)) throw invalid('a boot id is not a text');
  return value;
}

/** Returns whether a value can be a boot id: a text that is not empty. */
export function isBootId(value: unknown): value is BootId {
  return typeof value === 'string' && value !== '';
}

function nodeState(value: unknown): NodeState {
  const state = NODE_STATES.find((one) => one === value);
  if (state === undefined) throw invalid(`a node is in no state ${String(value)}`);
  return state;
}

function invalid(reason: string): TopologyError {
  return new TopologyError('invalid_topology', reason);
}

const NOBODY = -1;
const RUN_LENGTH = 5;
