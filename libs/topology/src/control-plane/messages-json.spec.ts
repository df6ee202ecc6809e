import { MAX_TIME_MS, MAX_VERSION } from '@kvs/protocol';
import {
  entriesRequestFrom,
  invitationFrom,
  joinRequestFrom,
  newTopology,
  nodeReportFrom,
  nodeUpdateFrom,
  promotionAnswerFrom,
  promotionQuestionFrom,
  reportAnswerFrom,
  settingsUpdateFrom,
  topologyAnswerFrom,
  topologyAnswerToJson,
  type EntryChange,
} from '../index.js';
import { fieldsOf } from '../json-fields.js';
import { boot } from '../testing/index.js';

const [a, b] = [boot('a'), boot('b')];
const knowledge = { clusterId: 'c', revision: 3 };
const identity = { id: 'n', address: 'n:1', zone: '', weight: 1, bootId: a, isDurable: false, starts: 1 };
const report = {
  ...knowledge,
  bootId: a,
  wholeRevision: 2,
  timeMs: 5,
  isEnding: false,
  isLeaving: true,
  usedBytes: 1,
  freeBytes: 2,
  highestVersion: 9,
  held: [{ partition: 4095, position: { epoch: 1, number: 7 } }],
  fills: [{ partition: 1, learner: b, sentBytes: 3 }],
  failures: [{ partition: 1, copy: b, reason: 'out of memory' }],
};
const answer = {
  revision: 3,
  timeMs: 5,
  leader: 'http://proxy:8080',
  transferBytesPerSecond: 1e6,
  orders: [
    { kind: 'handOver' as const, partition: 1, epoch: 2, to: b },
    { kind: 'remove' as const, partition: 1, epoch: 2, copy: b },
  ],
  leaving: [b],
};
const changes: EntryChange[] = [
  { kind: 'add', by: a, copy: b },
  { kind: 'remove', by: a, copy: b },
  { kind: 'promote', copy: b, instead: a },
  { kind: 'nameLearner', learner: b },
  { kind: 'withdrawLearner', learner: b },
  { kind: 'rewrite' },
  { kind: 'start', primary: a, instead: undefined, copies: [] },
  { kind: 'start', primary: a, instead: undefined, copies: [b] },
  { kind: 'start', primary: a, instead: b, copies: [] },
];
const entries = {
  ...knowledge,
  by: a,
  requests: changes.map((change) => ({ partition: 0, epoch: 1, change })),
};
const topologyAnswer = fieldsOf(
  JSON.parse(
    topologyAnswerToJson({ topology: newTopology({ clusterId: 'c', copies: 2, minInSync: 1 }), timeMs: 5 }),
  ),
  'the answer',
);
const question = { clusterId: 'c', bootId: a, promotions: [{ partition: 1, epoch: 2 }] };

/** `String` throws for it. */
const unreadable = { toString: 1, valueOf: 1 };
const stateless = { ...identity, state: unreadable };
const entriesOf = (change: unknown) => ({ ...entries, requests: [{ partition: 0, epoch: 1, change }] });
const topologyWith = (fields: object) => ({
  ...topologyAnswer,
  topology: { ...fieldsOf(topologyAnswer['topology'], 'the topology'), ...fields },
});

const throughJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('a message of the control plane is read as it was written', () => {
  it.each<[string, (value: unknown) => unknown, unknown]>([
    ['a join', joinRequestFrom, { ...knowledge, node: identity }],
    ['the join of a node that knows no cluster', joinRequestFrom, { revision: 0, node: identity }],
    [
      'the join of a node with a shared store',
      joinRequestFrom,
      { revision: 0, node: identity, sharedStore: 's' },
    ],
    ['requests for entries', entriesRequestFrom, entries],
    ['a report', nodeReportFrom, report],
    ['the report of a node without a limit', nodeReportFrom, { ...report, freeBytes: undefined }],
    ['an answer to a report', reportAnswerFrom, answer],
    ['the latest time', nodeReportFrom, { ...report, timeMs: MAX_TIME_MS }],
    ['the highest version', nodeReportFrom, { ...report, highestVersion: MAX_VERSION }],
    ['a short answer', reportAnswerFrom, { revision: 1, timeMs: 0, orders: [], leaving: [] }],
    ['an invitation', invitationFrom, { proxy: 'http://localhost:8080', address: 'localhost:3000' }],
    ['a question', promotionQuestionFrom, question],
    ['an answer to a question', promotionAnswerFrom, { partitions: [0, 4095] }],
  ])('%s', (_, read, message) => {
    expect(read(throughJson(message))).toEqual(message);
  });

  it('the usual spelling of an address', () => {
    const node = { ...identity, address: 'N:01', redisAddress: '[0::1]:6379' };
    expect(joinRequestFrom({ ...knowledge, node }).node).toMatchObject({
      address: 'n:1',
      redisAddress: '[::1]:6379',
    });
  });

  it('a change of settings', () => {
    expect(settingsUpdateFrom({ copies: 3, min_in_sync: 2 })).toEqual({ copies: 3, minInSync: 2 });
    expect(settingsUpdateFrom({})).toEqual({});
  });

  it('a topology with the time', () => {
    const written = { topology: newTopology({ clusterId: 'c', copies: 2, minInSync: 1 }), timeMs: 5 };
    expect(topologyAnswerFrom(JSON.parse(topologyAnswerToJson(written)))).toEqual(written);
  });
});

describe('a message without its form is refused', () => {
  it.each<[string, (value: unknown) => unknown, unknown]>([
    ['no object', joinRequestFrom, []],
    ...Object.entries({
      id: ['', 'a b', 'a\nb', 'a'.repeat(261)],
      address: ['', 'n', 'bad host:1', 'n:1\n', 'n:0', 'http://n:1'],
      redisAddress: ['', 'n:1\r\n'],
      zone: ['a\nb', 'a'.repeat(261)],
      bootId: ['', 'a\nb'],
      processId: ['', 'a\nb'],
    }).flatMap(([field, values]) =>
      values.map((value): [string, (value: unknown) => unknown, unknown] => [
        `a node with the ${field} ${JSON.stringify(value)}`,
        joinRequestFrom,
        { ...knowledge, node: { ...identity, [field]: value } },
      ]),
    ),
    ['an invitation of no proxy', invitationFrom, { proxy: 'nonsense', address: 'n:1' }],
    ['an invitation of a proxy that is no server', invitationFrom, { proxy: 'file:///etc', address: 'n:1' }],
    ['an invitation to no address', invitationFrom, { proxy: 'http://p:1', address: 'also nonsense' }],
    ...[1e-7, 0, 1e7, Infinity, NaN, '1', null].flatMap(
      (weight): [string, (value: unknown) => unknown, unknown][] => [
        [
          `a node with the weight ${weight}`,
          joinRequestFrom,
          { ...knowledge, node: { ...identity, weight } },
        ],
        [`the new weight ${weight}`, nodeUpdateFrom, { weight }],
      ],
    ),
    ['a rate without end', reportAnswerFrom, { ...answer, transferBytesPerSecond: Infinity }],
    ['a time without end', reportAnswerFrom, { ...answer, timeMs: Infinity }],
    ['a report of a time too late', nodeReportFrom, { ...report, timeMs: MAX_TIME_MS + 1 }],
    ['an answer of a time too late', reportAnswerFrom, { ...answer, timeMs: MAX_TIME_MS + 1 }],
    ['a topology of a time too late', topologyAnswerFrom, { ...topologyAnswer, timeMs: MAX_TIME_MS + 1 }],
    ['a version too high', nodeReportFrom, { ...report, highestVersion: MAX_VERSION + 1 }],
    ['a revision that is not exact', nodeReportFrom, { ...report, revision: 2 ** 53 }],
    ['a zone of two lines', nodeUpdateFrom, { zone: 'a\nb' }],
    ['an empty boot id', entriesRequestFrom, { ...entries, by: '' }],
    ['a partition too high', nodeReportFrom, { ...report, fills: [{ ...report.fills[0], partition: 4096 }] }],
    ['a flag that is a text', nodeReportFrom, { ...report, isEnding: 'false' }],
    ['an unknown change', entriesRequestFrom, entriesOf({ kind: 'no' })],
    ['an unknown order', reportAnswerFrom, { ...answer, orders: [{ kind: 'no', partition: 0, epoch: 1 }] }],
    ['a change of a kind that is no text', entriesRequestFrom, entriesOf({ kind: unreadable })],
    [
      'an order of a kind that is no text',
      reportAnswerFrom,
      { ...answer, orders: [{ kind: unreadable, partition: 0, epoch: 1 }] },
    ],
    ['a node in a state that is no text', topologyAnswerFrom, topologyWith({ nodes: [stateless] })],
    [
      'a copy with an index that is no number',
      topologyAnswerFrom,
      topologyWith({ partitions: [[4096, 0, unreadable, [], -1]] }),
    ],
    ['no copies', settingsUpdateFrom, { copies: 0 }],
    ['too many copies', settingsUpdateFrom, { copies: 9 }],
    ['half a copy', settingsUpdateFrom, { min_in_sync: 1.5 }],
    ['a setting that is none', settingsUpdateFrom, { minInSync: 2 }],
    ['partitions that are no list', promotionAnswerFrom, { partitions: 1 }],
  ])('%s', (_, read, message) => {
    expect(() => read(message)).toThrow(expect.objectContaining({ code: 'invalid_shape' }));
  });
});

it.each<[string, (value: unknown) => unknown, (text: string) => unknown]>([
  ['a kind', entriesRequestFrom, (kind) => entriesOf({ kind })],
  ['a field', nodeUpdateFrom, (name) => ({ [name]: 1 })],
])('the refusal of %s shows only the first 100 characters', (_, read, message) => {
  const messageOf = (text: string): string => {
    try {
      return String(read(message(text)));
    } catch (error) {
      return String(error);
    }
  };
  expect(messageOf('x'.repeat(100))).toContain('x'.repeat(100));
  expect(messageOf('x'.repeat(1e6))).toBe(messageOf('x'.repeat(100)));
});
