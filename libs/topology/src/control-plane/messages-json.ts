import { MAX_TIME_MS, MAX_VERSION, PARTITION_COUNT } from '@kvs/protocol';
import type { EntryChange } from '../entry-changes.js';
import {
  address,
  bootId,
  bootIdOf,
  fieldsOf,
  flag,
  integer,
  invalid,
  label,
  list,
  name,
  optional,
  origin,
  positive,
  excerptOf,
  text,
  weight,
  type Fields,
} from '../json-fields.js';
import { MAX_COPIES } from '../topology.js';
import type { EntryRequest, SettingsUpdate } from '../topology-changes.js';
import { nodeIdentityFrom, topologyFromDocument, topologyToJson } from '../topology-json.js';
import type {
  EntriesRequest,
  Invitation,
  JoinRequest,
  NodeReport,
  NodeUpdate,
  PrimaryOrder,
  PromotionAnswer,
  PromotionQuestion,
  ReportAnswer,
  SenderKnowledge,
  TopologyAnswer,
} from './messages.js';

/*
 * The messages of the control plane as JSON. `JSON.stringify` writes all of them but a TopologyAnswer. The functions here
 * read them and check everything; each throws KvsError `invalid_shape` for a message that does not have its form.
 */

/** Returns the answer as JSON. */
export function topologyAnswerToJson({ topology, timeMs }: TopologyAnswer): string {
  return `{"timeMs":${timeMs},"topology":${topologyToJson(topology)}}`;
}

/** Returns the answer that {@link topologyAnswerToJson} wrote. */
export function topologyAnswerFrom(value: unknown): TopologyAnswer {
  const fields = fieldsOf(value, 'the answer');
  return { topology: topologyFromDocument(fields['topology']), timeMs: time(fields) };
}

export function joinRequestFrom(value: unknown): JoinRequest {
  const fields = fieldsOf(value, 'the request');
  return {
    ...knowledgeOf(fields),
    node: nodeIdentityFrom(fieldsOf(fields['node'], 'node')),
    sharedStore: optional(fields, 'sharedStore', name),
  };
}

export function entriesRequestFrom(value: unknown): EntriesRequest {
  const fields = fieldsOf(value, 'the request');
  return {
    ...knowledgeOf(fields),
    by: bootId(fields, 'by'),
    requests: list(fields, 'requests').map(entryRequest),
  };
}

export function nodeReportFrom(value: unknown): NodeReport {
  const fields = fieldsOf(value, 'the report');
  return {
    ...knowledgeOf(fields),
    bootId: bootId(fields, 'bootId'),
    wholeRevision: optional(fields, 'wholeRevision', () => integer(fields, 'wholeRevision', 0)),
    timeMs: time(fields),
    isEnding: flag(fields, 'isEnding'),
    isLeaving: optional(fields, 'isLeaving', flag),
    usedBytes: integer(fields, 'usedBytes', 0),
    freeBytes: optional(fields, 'freeBytes', () => integer(fields, 'freeBytes', 0)),
    highestVersion: integer(fields, 'highestVersion', 0, MAX_VERSION),
    held: records(fields, 'held', (held) => {
      const position = fieldsOf(held['position'], 'position');
      return {
        partition: partition(held),
        position: { epoch: integer(position, 'epoch', 0), number: integer(position, 'number', 0) },
      };
    }),
    fills: records(fields, 'fills', (fill) => ({
      partition: partition(fill),
      learner: bootId(fill, 'learner'),
      sentBytes: integer(fill, 'sentBytes', 0),
    })),
    failures: records(fields, 'failures', (failure) => ({
      partition: partition(failure),
      copy: bootId(failure, 'copy'),
      reason: text(failure, 'reason').slice(0, MAX_REASON_LENGTH),
    })),
  };
}

export function reportAnswerFrom(value: unknown): ReportAnswer {
  const fields = fieldsOf(value, 'the answer');
  return {
    revision: integer(fields, 'revision', 0),
    timeMs: time(fields),
    leader: optional(fields, 'leader', name),
    transferBytesPerSecond: optional(fields, 'transferBytesPerSecond', positive),
    orders: records(fields, 'orders', primaryOrder),
    leaving: optional(fields, 'leaving', () => list(fields, 'leaving').map(bootIdOf)),
  };
}

export function invitationFrom(value: unknown): Invitation {
  const fields = fieldsOf(value, 'the invitation');
  return { proxy: origin(fields, 'proxy'), address: address(fields, 'address') };
}

export function promotionQuestionFrom(value: unknown): PromotionQuestion {
  const fields = fieldsOf(value, 'the question');
  return {
    clusterId: name(fields, 'clusterId'),
    bootId: bootId(fields, 'bootId'),
    promotions: records(fields, 'promotions', (promotion) => ({
      partition: partition(promotion),
      epoch: integer(promotion, 'epoch', 0),
    })),
  };
}

export function promotionAnswerFrom(value: unknown): PromotionAnswer {
  const partitions = list(fieldsOf(value, 'the answer'), 'partitions');
  return { partitions: partitions.map((number) => partition({ partition: number })) };
}

/** Reads what an operator wants to change of a node. */
export function nodeUpdateFrom(value: unknown): NodeUpdate {
  const fields = fieldsOf(value, 'the update');
  refuseOthers(fields, ['weight', 'zone', 'state'], 'a node');
  const { state } = fields;
  if (state !== undefined && state !== 'active' && state !== 'draining')
    throw invalid('a state is active or draining');
  return {
    ...(fields['weight'] !== undefined && { weight: weight(fields, 'weight') }),
    ...(fields['zone'] !== undefined && { zone: label(fields, 'zone') }),
    ...(state !== undefined && { state }),
  };
}

/** Reads what an operator wants to change of the settings of the cluster. */
export function settingsUpdateFrom(value: unknown): SettingsUpdate {
  const fields = fieldsOf(value, 'the update');
  refuseOthers(fields, ['copies', 'min_in_sync'], 'a cluster');
  const { copies, min_in_sync: minInSync } = fields;
  return {
    ...(copies !== undefined && { copies: integer(fields, 'copies', 1, MAX_COPIES) }),
    ...(minInSync !== undefined && { minInSync: integer(fields, 'min_in_sync', 1, MAX_COPIES) }),
  };
}

/** @throws KvsError `invalid_shape` for a field that is none of these */
function refuseOthers(fields: Fields, names: readonly string[], owner: string): void {
  const unknown = Object.keys(fields).find((name) => !names.includes(name));
  if (unknown !== undefined) throw invalid(`${owner} has no ${excerptOf(unknown)} that can be changed`);
}

function knowledgeOf(fields: Fields): SenderKnowledge {
  return {
    clusterId: optional(fields, 'clusterId', name),
    revision: integer(fields, 'revision', 0),
  };
}

function entryRequest(item: unknown): EntryRequest {
  const fields = fieldsOf(item, 'a request');
  return {
    partition: partition(fields),
    epoch: integer(fields, 'epoch', 0),
    change: entryChange(fieldsOf(fields['change'], 'change')),
  };
}

function entryChange(fields: Fields): EntryChange {
  const { kind } = fields;
  switch (kind) {
    case 'add':
    case 'remove':
      return { kind, by: bootId(fields, 'by'), copy: bootId(fields, 'copy') };
    case 'promote':
      return { kind, copy: bootId(fields, 'copy'), instead: bootId(fields, 'instead') };
    case 'nameLearner':
    case 'withdrawLearner':
      return { kind, learner: bootId(fields, 'learner') };
    case 'rewrite':
      return { kind };
    case 'start':
      return {
        kind,
        primary: bootId(fields, 'primary'),
        instead: optional(fields, 'instead', bootId),
        copies: list(fields, 'copies').map(bootIdOf),
      };
    default:
      throw invalid(`there is no change ${excerptOf(kind)}`);
  }
}

function primaryOrder(fields: Fields): PrimaryOrder {
  const place = { partition: partition(fields), epoch: integer(fields, 'epoch', 0) };
  const { kind } = fields;
  switch (kind) {
    case 'handOver':
      return { kind, ...place, to: bootId(fields, 'to') };
    case 'remove':
      return { kind, ...place, copy: bootId(fields, 'copy') };
    default:
      throw invalid(`there is no order ${excerptOf(kind)}`);
  }
}

function partition(fields: Fields): number {
  return integer(fields, 'partition', 0, PARTITION_COUNT - 1);
}

/** Returns the time of the cluster as the sender knows it. */
function time(fields: Fields): number {
  return integer(fields, 'timeMs', 0, MAX_TIME_MS);
}

function records<T>(fields: Fields, field: string, read: (item: Fields) => T): T[] {
  return list(fields, field).map((item) => read(fieldsOf(item, `an item of ${field}`)));
}

const MAX_REASON_LENGTH = 500;
