import fc from 'fast-check';
import type { EngineEntry } from '@kvs/kv-store';
import { LinkProtocolError } from '@kvs/node-link';
import { frameOfMessages, messagesOfFrame } from '@kvs/node-link/testing';
import {
  binaryKey,
  binaryValue,
  keyId,
  MAX_TIME_MS,
  MAX_VERSION,
  PARTITION_COUNT,
  stringKey,
  stringValue,
} from '@kvs/protocol';
import { isBootId, MAX_COPIES, type BootId, type PartitionEntry } from '@kvs/topology';
import { boot } from '@kvs/topology/testing';
import type { Message } from '../messages.js';
import { messageCodec } from './message-codec.js';

const text = fc.oneof(fc.string({ unit: 'binary-ascii' }), fc.string({ unit: 'grapheme' }));
const integers = fc.oneof(fc.nat(), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }));
const times = fc.nat(MAX_TIME_MS);
const versions = fc.oneof(fc.nat(), fc.nat(MAX_VERSION));
const ids = fc
  .oneof(
    text.filter((data) => data !== '').map(stringKey),
    fc.uint8Array({ minLength: 1, maxLength: 20 }).map(binaryKey),
  )
  .map(keyId);
const entries: fc.Arbitrary<EngineEntry> = fc.record(
  {
    value: fc.oneof(text.map(stringValue), fc.uint8Array({ maxLength: 100 }).map(binaryValue)),
    version: versions,
    expiresAtMs: fc.option(integers, { nil: undefined }),
  },
  { noNullPrototype: true },
);
const bootIds: fc.Arbitrary<BootId> = fc.string({ minLength: 1 }).filter(isBootId);
const positions = record({ epoch: integers, number: integers });
const effects = fc.array(record({ position: positions, id: ids, entry: optional(entries) }), {
  maxLength: 4,
});
const pairs = fc.array(
  fc.tuple(ids, entries).map(([id, entry]) => ({ id, ...entry })),
  { maxLength: 4 },
);
const partitionEntries: fc.Arbitrary<PartitionEntry> = record({
  epoch: integers,
  primary: optional(bootIds),
  inSync: fc.array(bootIds, { maxLength: MAX_COPIES }),
  learner: optional(bootIds),
  isAfterLoss: fc.constantFrom(true, undefined),
});
const partition = fc.nat(PARTITION_COUNT - 1);
const epoch = integers;
const fillId = text;
const number = fc.nat();
const failure = optional(text);

const messages: fc.Arbitrary<Message> = fc.oneof(
  record({ kind: is('beacon'), sentAtMs: integers, timeMs: times }),
  record({
    kind: is('beaconAnswer'),
    sentAtMs: integers,
    timeMs: times,
    revision: integers,
    isFull: fc.boolean(),
  }),
  record({
    kind: is('effects'),
    partition,
    epoch,
    fillId: optional(fillId),
    previous: positions,
    effects,
    trimUpTo: integers,
    highestVersion: versions,
  }),
  record({
    kind: is('effectsAnswer'),
    partition,
    epoch,
    fillId: optional(fillId),
    position: positions,
    hasGap: fc.boolean(),
    isFull: fc.boolean(),
    failure,
  }),
  record({ kind: is('entry'), partition, entry: partitionEntries }),
  record({ kind: is('entryQuestion'), partition }),
  record({ kind: is('newPrimary'), partition, entry: partitionEntries, position: positions }),
  record({
    kind: is('confirmation'),
    partition,
    epoch,
    tail: optional(record({ base: positions, effects })),
  }),
  record({ kind: is('fillStart'), partition, epoch, fillId, position: positions, highestVersion: versions }),
  record({ kind: is('fillChunk'), partition, fillId, number, pairs }),
  record({ kind: is('fillChunkAnswer'), partition, fillId, number, failure }),
  record({ kind: is('fillEnd'), partition, fillId, chunkCount: number }),
  record({ kind: is('fillAnswer'), partition, fillId }),
  record({ kind: is('mayDrop'), partition, epoch }),
  record({ kind: is('mayDropAnswer'), partition, epoch }),
);

const position = { epoch: 1, number: 1 };
const id = keyId(stringKey('k'));
const entryAbove = { value: stringValue('v'), version: MAX_VERSION + 1, expiresAtMs: undefined };
const emptyEffects: Message = {
  kind: 'effects',
  partition: 0,
  epoch: 1,
  fillId: undefined,
  previous: position,
  effects: [],
  trimUpTo: 0,
  highestVersion: 1,
};

describe('messages between nodes', () => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(
        fc.array(messages, { maxLength: 5 }),
        fc.integer({ min: 10, max: 100 }),
        (sent, slabBytes) => {
          const frame = frameOfMessages(messageCodec, sent, slabBytes);
          expect(messagesOfFrame(messageCodec, frame)).toEqual(sent);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it.each<[string, Message]>([
    ['a beacon', { kind: 'beacon', sentAtMs: 1, timeMs: MAX_TIME_MS + 1 }],
    [
      'the answer to a beacon',
      { kind: 'beaconAnswer', sentAtMs: 1, timeMs: MAX_TIME_MS + 1, revision: 1, isFull: false },
    ],
    ['effects', { ...emptyEffects, highestVersion: MAX_VERSION + 1 }],
    ['an effect', { ...emptyEffects, effects: [{ position, id, entry: entryAbove }] }],
    [
      'the start of a fill',
      { kind: 'fillStart', partition: 0, epoch: 1, fillId: 'f', position, highestVersion: MAX_VERSION + 1 },
    ],
    ['a chunk', { kind: 'fillChunk', partition: 0, fillId: 'f', number: 0, pairs: [{ id, ...entryAbove }] }],
  ])('are refused beyond the latest time and the highest version: %s', (_, message) => {
    const frame = frameOfMessages(messageCodec, [message]);
    expect(() => messagesOfFrame(messageCodec, frame)).toThrow(LinkProtocolError);
  });

  it('are refused if an entry has more copies than a partition can have', () => {
    const read = (count: number) => {
      const inSync = Array.from({ length: count }, (_, i) => boot(`boot ${i}`));
      const entry = { epoch: 1, primary: undefined, inSync, learner: undefined };
      const message: Message = { kind: 'entry', partition: 0, entry };
      return messagesOfFrame(messageCodec, frameOfMessages(messageCodec, [message]));
    };
    expect(read(MAX_COPIES)).toHaveLength(1);
    expect(() => read(MAX_COPIES + 1)).toThrow(LinkProtocolError);
  });

  it('of any bytes are messages or a protocol error, and nothing else', () => {
    fc.assert(
      fc.property(messages, fc.nat(), fc.integer({ min: 0, max: 255 }), (message, at, byte) => {
        const frame = Buffer.from(frameOfMessages(messageCodec, [message]));
        frame[HEADER_BYTES + (at % (frame.length - HEADER_BYTES))] = byte;
        expect(isReadOrRefused(frame)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

const HEADER_BYTES = 10;

function isReadOrRefused(frame: Buffer): boolean {
  try {
    return Array.isArray(messagesOfFrame(messageCodec, frame));
  } catch (error) {
    if (error instanceof LinkProtocolError) return true;
    throw error;
  }
}

function is<K extends Message['kind']>(kind: K): fc.Arbitrary<K> {
  return fc.constant(kind);
}

function optional<T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(values, { nil: undefined });
}

function record<T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(fields, { noNullPrototype: true });
}
