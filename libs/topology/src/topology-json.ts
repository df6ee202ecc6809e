import { KvsError, MAX_VERSION, PARTITION_COUNT, PARTITION_FUNCTION, messageOf } from '@kvs/protocol';
import {
  address,
  bootId,
  bootIdOf,
  fieldsOf,
  flag,
  integer,
  invalid,
  isInteger,
  label,
  list,
  name,
  nodeId,
  optional,
  excerptOf,
  weight,
  type Fields,
} from './json-fields.js';
import {
  MAX_COPIES,
  NODE_STATES,
  type BootId,
  type EndedProcess,
  type NodeIdentity,
  type NodeState,
  type PartitionEntry,
  type Topology,
  type TopologyNode,
} from './topology.js';

/** Names the form of the document, and which function gives a key its partition. */
const FORMAT = `kvs-topology/1 ${PARTITION_FUNCTION}`;

/** A topology as plain data for `JSON.stringify`. */
type TopologyDocument = Readonly<Record<string, unknown>>;

/**
 * Returns the topology as plain data. Boot ids are written once and then named by their index. Neighboring partitions with
 * equal entries are written as one run `[count, epoch, primary, inSync, learner]`, where −1 stands for no copy. A run of partitions
 * that started after a loss has a sixth part, `true`.
 */
function topologyToDocument(topology: Topology): TopologyDocument {
  const indexes = new Map<BootId, number>();
  const indexOf = (copy: BootId | undefined): number => {
    if (copy === undefined) return NOBODY;
    const index = indexes.get(copy) ?? indexes.size;
    indexes.set(copy, index);
    return index;
  };
  const runs: [number, ...unknown[]][] = [];
  let last: PartitionEntry | undefined;
  for (const entry of topology.partitions) {
    const run = runs.at(-1);
    if (run !== undefined && last !== undefined && isEqual(entry, last)) run[0]++;
    else runs.push([1, ...partsOf(entry, indexOf)]);
    last = entry;
  }
  const { clusterId, revision, copies, minInSync, sharedStore, versionCeiling, lossCount } = topology;
  const nodes = topology.nodes.map((node) => {
    const { id, address, redisAddress, zone, weight, bootId, isDurable, starts, processId, state } = node;
    // JSON leaves out fields that are undefined.
    return { id, address, redisAddress, zone, weight, bootId, isDurable, starts, processId, state };
  });
  const ended = topology.ended.map(({ bootId, isDurable, starts, processId }) => {
    return { bootId, isDurable, starts, processId };
  });
  const head = { clusterId, revision, copies, minInSync, sharedStore, versionCeiling, lossCount };
  return { format: FORMAT, ...head, nodes, ended, bootIds: [...indexes.keys()], partitions: runs };
}

function partsOf(
  { epoch, primary, inSync, learner, isAfterLoss }: PartitionEntry,
  indexOf: (copy: BootId | undefined) => number,
): unknown[] {
  const parts = [epoch, indexOf(primary), inSync.map(indexOf), indexOf(learner)];
  return isAfterLoss === true ? [...parts, true] : parts;
}

function isEqual(a: PartitionEntry, b: PartitionEntry): boolean {
  return (
    a.epoch === b.epoch &&
    a.primary === b.primary &&
    a.learner === b.learner &&
    a.isAfterLoss === b.isAfterLoss &&
    a.inSync.length === b.inSync.length &&
    a.inSync.every((copy, i) => copy === b.inSync[i])
  );
}

/** Returns the topology as JSON, the same text for equal topologies. */
export function topologyToJson(topology: Topology): string {
  const known = texts.get(topology);
  if (known !== undefined) return known;
  const json = JSON.stringify(topologyToDocument(topology));
  texts.set(topology, json);
  return json;
}

/** Each topology goes to many nodes, and never changes. */
const texts = new WeakMap<Topology, string>();

/**
 * Returns the topology that {@link topologyToJson} wrote into a store. Everything is checked.
 *
 * @param place names the file or the key in the message of an error
 * @throws KvsError `invalid_topology`
 */
export function topologyFromJson(json: string, place: string): Topology {
  try {
    return topologyFromDocument(JSON.parse(json));
  } catch (cause) {
    const message = `${place} has no topology that this version can read: ${messageOf(cause)}`;
    throw new KvsError('invalid_topology', message, { cause });
  }
}

/**
 * Returns the topology of a document that was part of a message. Everything is checked.
 *
 * @throws KvsError `invalid_shape`
 */
export function topologyFromDocument(value: unknown): Topology {
  const document = fieldsOf(value, 'the document');
  if (document['format'] !== FORMAT) throw invalid(`the format is not ${FORMAT}`);
  const copies = integer(document, 'copies', 1, MAX_COPIES);
  const revision = integer(document, 'revision', 1);
  return {
    clusterId: name(document, 'clusterId'),
    revision,
    copies,
    minInSync: integer(document, 'minInSync', 1, copies),
    sharedStore: optional(document, 'sharedStore', name),
    // A higher ceiling is no reason to refuse a document, but nobody may reach it.
    versionCeiling: Math.min(integer(document, 'versionCeiling', 0), MAX_VERSION),
    // Older versions of kvs did not count losses.
    lossCount: optional(document, 'lossCount', () => integer(document, 'lossCount', 0)) ?? 0,
    nodes: nodesOf(list(document, 'nodes')),
    ended: list(document, 'ended').map(endedProcess),
    partitions: partitionsOf(document, revision),
  };
}

/** Returns the part of a node in a document, or in a request to join, that the node tells itself. */
export function nodeIdentityFrom(fields: Fields): NodeIdentity {
  return {
    id: nodeId(fields, 'id'),
    address: address(fields, 'address'),
    redisAddress: optional(fields, 'redisAddress', address),
    zone: label(fields, 'zone'),
    weight: weight(fields, 'weight'),
    bootId: bootId(fields, 'bootId'),
    isDurable: flag(fields, 'isDurable'),
    starts: integer(fields, 'starts', 1),
    processId: optional(fields, 'processId', name),
  };
}

function nodesOf(items: readonly unknown[]): TopologyNode[] {
  const nodes = items.map((item): TopologyNode => {
    const fields = fieldsOf(item, 'a node');
    return { ...nodeIdentityFrom(fields), state: nodeState(fields['state']) };
  });
  for (const field of ['id', 'address', 'bootId'] as const) {
    if (new Set(nodes.map((node) => node[field])).size < nodes.length)
      throw invalid(`two nodes have the same ${field}`);
  }
  if (nodes.some(({ id }, i) => i > 0 && id <= (nodes[i - 1]?.id ?? '')))
    throw invalid('the nodes are not in ascending order of their ids');
  return nodes;
}

function endedProcess(item: unknown): EndedProcess {
  const fields = fieldsOf(item, 'a process that ended');
  return {
    bootId: bootId(fields, 'bootId'),
    isDurable: flag(fields, 'isDurable'),
    starts: optional(fields, 'starts', () => integer(fields, 'starts', 1)),
    processId: optional(fields, 'processId', name),
  };
}

function partitionsOf(document: Fields, revision: number): PartitionEntry[] {
  const bootIds = list(document, 'bootIds').map(bootIdOf);
  const entries: PartitionEntry[] = [];
  for (const run of list(document, 'partitions')) {
    if (!Array.isArray(run) || run.length < RUN_LENGTH || run.length > RUN_LENGTH + 1)
      throw invalid('a run of partitions has neither five nor six parts');
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
  [epoch, primary, inSync, learner, isAfterLoss]: readonly unknown[],
  bootIds: readonly BootId[],
  revision: number,
): PartitionEntry {
  const bootIdAt = (index: unknown): BootId | undefined => {
    if (index === NOBODY) return undefined;
    const found = isInteger(index, 0, bootIds.length - 1) ? bootIds[index] : undefined;
    if (found === undefined) throw invalid(`there is no boot id ${excerptOf(index)}`);
    return found;
  };
  if (!isInteger(epoch, 0, revision)) throw invalid('an epoch is not a revision up to the present one');
  if (!Array.isArray(inSync)) throw invalid('the copies of a partition are not a list');
  if (isAfterLoss !== undefined && isAfterLoss !== true) throw invalid('the sixth part of a run is not true');
  const copies = inSync.map(bootIdAt).filter((copy) => copy !== undefined);
  const entry: PartitionEntry = {
    epoch,
    primary: bootIdAt(primary),
    inSync: copies,
    learner: bootIdAt(learner),
    ...(isAfterLoss === true && { isAfterLoss }),
  };
  const named = entry.learner === undefined ? copies : [...copies, entry.learner];
  if (copies.length !== inSync.length || new Set(named).size < named.length)
    throw invalid('a copy of a partition is nobody, or is named twice');
  if (entry.primary === undefined ? named.length > 0 : !copies.includes(entry.primary))
    throw invalid('the primary of a partition is not one of its copies in sync');
  return entry;
}

function nodeState(value: unknown): NodeState {
  const state = NODE_STATES.find((one) => one === value);
  if (state === undefined) throw invalid(`a node is in no state ${excerptOf(value)}`);
  return state;
}

const NOBODY = -1;
const RUN_LENGTH = 5;
