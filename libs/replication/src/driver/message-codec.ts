import type { EnginePair } from '@kvs/kv-store';
import {
  INTEGER_BYTES,
  LinkProtocolError,
  MAX_VARINT_BYTES,
  readPartition,
  type FrameBuilder,
  type FrameCursor,
  type PeerCodec,
} from '@kvs/node-link';
import { MAX_TIME_MS, MAX_VERSION } from '@kvs/protocol';
import { MAX_COPIES, isBootId, type BootId, type PartitionEntry } from '@kvs/topology';
import type { ConfirmedTail, Effect, Message } from '../messages.js';
import type { Position } from '../position.js';
import { MIN_ENTRY_BYTES, putEntry, readEntry, readInteger } from './pair-codec.js';

/** Writes and reads the messages between nodes: a byte for the kind, the partition, and then the fields, with flags before texts and lists. */
export const messageCodec: PeerCodec<Message> = {
  put(builder, message): void {
    builder.reserve(HEAD_BYTES);
    builder.byte(KINDS.indexOf(message.kind));
    if ('partition' in message) builder.varint(message.partition);
    putFields(builder, message);
  },
  read(cursor): Message {
    const kind = KINDS[cursor.byte()];
    if (kind === undefined) throw new LinkProtocolError('there is no message of this kind');
    return readFields(cursor, kind);
  },
};

/** On the wire, a kind is its index. Raise the version in `LINK_TOKEN` if the list or the fields of a kind change. */
const KINDS = [
  'beacon',
  'beaconAnswer',
  'effects',
  'effectsAnswer',
  'entry',
  'entryQuestion',
  'newPrimary',
  'confirmation',
  'fillStart',
  'fillChunk',
  'fillChunkAnswer',
  'fillEnd',
  'fillAnswer',
  'mayDrop',
  'mayDropAnswer',
] as const satisfies readonly Message['kind'][];

function putFields(builder: FrameBuilder, message: Message): void {
  switch (message.kind) {
    case 'beacon':
      builder.integer(message.sentAtMs);
      return builder.integer(message.timeMs);
    case 'beaconAnswer':
      builder.integer(message.sentAtMs);
      builder.integer(message.timeMs);
      builder.integer(message.revision);
      return builder.byte(message.isFull ? 1 : 0);
    case 'effects':
      builder.integer(message.epoch);
      putOptional(builder, message.fillId);
      putPosition(builder, message.previous);
      putEffects(builder, message.effects);
      return putIntegers(builder, message.trimUpTo, message.highestVersion);
    case 'effectsAnswer':
      builder.integer(message.epoch);
      builder.byte((message.hasGap ? 1 : 0) | (message.isFull ? 2 : 0));
      putOptional(builder, message.fillId);
      putPosition(builder, message.position);
      return putOptional(builder, message.failure);
    case 'entry':
      return putPartitionEntry(builder, message.entry);
    case 'entryQuestion':
      return;
    case 'newPrimary':
      putPartitionEntry(builder, message.entry);
      return putPosition(builder, message.position);
    case 'confirmation':
      builder.integer(message.epoch);
      builder.byte(message.tail === undefined ? 0 : 1);
      return message.tail && putConfirmedTail(builder, message.tail);
    case 'fillStart':
      builder.integer(message.epoch);
      putText(builder, message.fillId);
      putPosition(builder, message.position);
      return putIntegers(builder, message.highestVersion);
    case 'fillChunk':
      putNumberedFill(builder, message.fillId, message.number);
      return putPairs(builder, message.pairs);
    case 'fillChunkAnswer':
      putNumberedFill(builder, message.fillId, message.number);
      return putOptional(builder, message.failure);
    case 'fillEnd':
      return putNumberedFill(builder, message.fillId, message.chunkCount);
    case 'fillAnswer':
      return putText(builder, message.fillId);
    case 'mayDrop':
    case 'mayDropAnswer':
      return builder.integer(message.epoch);
  }
}

function readFields(cursor: FrameCursor, kind: Message['kind']): Message {
  switch (kind) {
    case 'beacon':
      return { kind, sentAtMs: readInteger(cursor), timeMs: readTime(cursor) };
    case 'beaconAnswer': {
      const [sentAtMs, timeMs, revision] = [readInteger(cursor), readTime(cursor), readInteger(cursor)];
      return { kind, sentAtMs, timeMs, revision, isFull: cursor.flags(1) !== 0 };
    }
    default:
      return readPartitionFields(cursor, kind, readPartition(cursor));
  }
}

type PartitionKind = Exclude<Message['kind'], 'beacon' | 'beaconAnswer'>;

function readPartitionFields(cursor: FrameCursor, kind: PartitionKind, partition: number): Message {
  switch (kind) {
    // These two come with every write. Node is slow at copying an object into another.
    case 'effects': {
      const epoch = readInteger(cursor);
      const fillId = readOptional(cursor);
      const previous = readPosition(cursor);
      const effects = readEffects(cursor);
      const trimUpTo = readInteger(cursor);
      const highestVersion = readInteger(cursor, MAX_VERSION);
      return { kind, partition, epoch, fillId, previous, effects, trimUpTo, highestVersion };
    }
    case 'effectsAnswer': {
      const epoch = readInteger(cursor);
      const flags = cursor.flags(3);
      const fillId = readOptional(cursor);
      const position = readPosition(cursor);
      const failure = readOptional(cursor);
      return {
        kind,
        partition,
        epoch,
        fillId,
        position,
        hasGap: (flags & 1) !== 0,
        isFull: (flags & 2) !== 0,
        failure,
      };
    }
    case 'entry':
      return { kind, partition, entry: readPartitionEntry(cursor) };
    case 'entryQuestion':
      return { kind, partition };
    case 'newPrimary':
      return { kind, partition, entry: readPartitionEntry(cursor), position: readPosition(cursor) };
    case 'confirmation': {
      const epoch = readInteger(cursor);
      const tail = cursor.flags(1) !== 0 ? readConfirmedTail(cursor) : undefined;
      return { kind, partition, epoch, tail };
    }
    case 'mayDrop':
    case 'mayDropAnswer':
      return { kind, partition, epoch: readInteger(cursor) };
    default:
      return readFillFields(cursor, kind, partition);
  }
}

type FillKind = Extract<PartitionKind, `fill${string}`>;

function readFillFields(cursor: FrameCursor, kind: FillKind, partition: number): Message {
  if (kind === 'fillStart') {
    const head = { kind, partition, epoch: readInteger(cursor), fillId: readText(cursor) };
    return { ...head, position: readPosition(cursor), highestVersion: readInteger(cursor, MAX_VERSION) };
  }
  const fillId = readText(cursor);
  switch (kind) {
    case 'fillChunk':
      return { kind, partition, fillId, number: cursor.varint(), pairs: readPairs(cursor) };
    case 'fillChunkAnswer':
      return { kind, partition, fillId, number: cursor.varint(), failure: readOptional(cursor) };
    case 'fillEnd':
      return { kind, partition, fillId, chunkCount: cursor.varint() };
    case 'fillAnswer':
      return { kind, partition, fillId };
  }
}

function putNumberedFill(builder: FrameBuilder, fillId: string, number: number): void {
  putText(builder, fillId);
  builder.reserve(MAX_VARINT_BYTES);
  builder.varint(number);
}

function putEffects(builder: FrameBuilder, effects: readonly Effect[]): void {
  builder.reserve(MAX_VARINT_BYTES);
  builder.varint(effects.length);
  for (const { position, id, entry } of effects) {
    putPosition(builder, position);
    putEntry(builder, id, entry);
  }
}

function readEffects(cursor: FrameCursor): Effect[] {
  return readMany(cursor, POSITION_BYTES + MIN_ENTRY_BYTES, () => {
    const position = readPosition(cursor);
    const { id, entry } = readEntry(cursor);
    return { position, id, entry };
  });
}

function putConfirmedTail(builder: FrameBuilder, { base, effects }: ConfirmedTail): void {
  putPosition(builder, base);
  putEffects(builder, effects);
}

function readConfirmedTail(cursor: FrameCursor): ConfirmedTail {
  return { base: readPosition(cursor), effects: readEffects(cursor) };
}

function putPairs(builder: FrameBuilder, pairs: readonly EnginePair[]): void {
  builder.reserve(MAX_VARINT_BYTES);
  builder.varint(pairs.length);
  for (const pair of pairs) putEntry(builder, pair.id, pair);
}

function readPairs(cursor: FrameCursor): EnginePair[] {
  return readMany(cursor, MIN_ENTRY_BYTES, () => {
    const { id, entry } = readEntry(cursor);
    if (entry === undefined) throw new LinkProtocolError('a pair has no value');
    return { id, ...entry };
  });
}

function putPartitionEntry(builder: FrameBuilder, entry: PartitionEntry): void {
  const { epoch, primary, inSync, learner, isAfterLoss } = entry;
  builder.reserve(1 + INTEGER_BYTES);
  builder.byte(isAfterLoss === true ? 1 : 0);
  builder.integer(epoch);
  putOptional(builder, primary);
  putOptional(builder, learner);
  builder.reserve(MAX_VARINT_BYTES);
  builder.varint(inSync.length);
  for (const bootId of inSync) putText(builder, bootId);
}

function readPartitionEntry(cursor: FrameCursor): PartitionEntry {
  const isAfterLoss = cursor.flags(1) !== 0;
  const epoch = readInteger(cursor);
  const [primary, learner] = [readOptionalBootId(cursor), readOptionalBootId(cursor)];
  const count = cursor.varint();
  if (count > MAX_COPIES) throw new LinkProtocolError(`a partition has at most ${MAX_COPIES} copies`);
  const inSync = Array.from({ length: count }, () => bootIdOf(readText(cursor)));
  return { epoch, primary, inSync, learner, ...(isAfterLoss && { isAfterLoss }) };
}

function putPosition(builder: FrameBuilder, { epoch, number }: Position): void {
  putIntegers(builder, epoch, number);
}

function readPosition(cursor: FrameCursor): Position {
  return { epoch: readInteger(cursor), number: readInteger(cursor) };
}

function readTime(cursor: FrameCursor): number {
  return readInteger(cursor, MAX_TIME_MS);
}

function putIntegers(builder: FrameBuilder, ...integers: readonly number[]): void {
  builder.reserve(integers.length * INTEGER_BYTES);
  for (const integer of integers) builder.integer(integer);
}

function putText(builder: FrameBuilder, text: string): void {
  builder.reserve(MAX_VARINT_BYTES);
  builder.varint(text.length);
  builder.text(text);
}

function readText(cursor: FrameCursor): string {
  return cursor.text(cursor.varint());
}

/** Nothing is written as 0, and a text as its length and 1. */
function putOptional(builder: FrameBuilder, text: string | undefined): void {
  builder.reserve(MAX_VARINT_BYTES);
  builder.varint(text === undefined ? 0 : text.length + 1);
  builder.text(text ?? '');
}

function readOptional(cursor: FrameCursor): string | undefined {
  const length = cursor.varint();
  return length === 0 ? undefined : cursor.text(length - 1);
}

function readOptionalBootId(cursor: FrameCursor): BootId | undefined {
  const text = readOptional(cursor);
  return text === undefined ? undefined : bootIdOf(text);
}

function bootIdOf(text: string): BootId {
  if (!isBootId(text)) throw new LinkProtocolError('a boot id is empty');
  return text;
}

function readMany<T>(cursor: FrameCursor, minBytes: number, read: () => T): T[] {
  const count = cursor.varint();
  if (count > cursor.room(minBytes)) throw new LinkProtocolError('a message has fewer entries than it says');
  return Array.from({ length: count }, read);
}

const POSITION_BYTES = 2 * INTEGER_BYTES;
/** The most bytes of a message before its first text, list or position. */
const HEAD_BYTES = 1 + MAX_VARINT_BYTES + 3 * INTEGER_BYTES + 1;
