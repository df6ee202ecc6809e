import { receiveMessages } from '@kvs/node-link';
import { HeldStore, TestNode } from '@kvs/node-link/testing';
import { keyId, stringKey, stringValue } from '@kvs/protocol';
import { until } from '@kvs/protocol/testing';
import { newTopology, registerNode } from '@kvs/topology';
import { boot } from '@kvs/topology/testing';
import type { Confirmation, Effect, Effects, Message } from '../messages.js';
import { START_POSITION } from '../position.js';
import { messageCodec } from './message-codec.js';
import { Peers } from './peers.js';

const own = boot('own');
const other = boot('other');
const large: Effect = {
  position: { epoch: 1, number: 1 },
  id: keyId(stringKey('key')),
  entry: { value: stringValue('v'.repeat(300_000)), version: 1, expiresAtMs: undefined },
};
const confirmation: Confirmation = {
  kind: 'confirmation',
  partition: 7,
  epoch: 1,
  tail: { base: START_POSITION, effects: [] },
};
const effects: Effects = {
  kind: 'effects',
  partition: 7,
  epoch: 1,
  fillId: undefined,
  previous: START_POSITION,
  effects: [large],
  trimUpTo: 0,
  highestVersion: 1,
};

const received: Message[] = [];
const breaches: string[] = [];
const changes: string[] = [];
const receiver = receiveMessages(
  () => ({ clusterId: 'c', bootId: other }),
  messageCodec,
  (_, message) => void received.push(message),
);
const node = new TestNode(new HeldStore(), receiver);
const peers = new Peers({
  clusterId: 'c',
  bootId: own,
  onBreach: (reason) => void breaches.push(reason),
  up: (bootId) => void changes.push(`up ${bootId}`),
  down: (bootId) => void changes.push(`down ${bootId}`),
});
const empty = newTopology({ clusterId: 'c', copies: 2, minInSync: 1 });
const withOther = ({ port }: TestNode) =>
  registerNode(empty, {
    id: 'other',
    address: `127.0.0.1:${port}`,
    zone: '',
    weight: 1,
    bootId: other,
    isDurable: false,
    starts: 1,
  });
beforeAll(() => node.start());
beforeEach(async () => {
  peers.learn(withOther(node));
  await until(() => peers.isOpen(other));
  changes.length = 0;
});
afterAll(async () => {
  peers.close();
  await node.kill();
});

it('while a node does not read, messages with effects are dropped, and small ones are not', async () => {
  // The node runs in this thread: it reads nothing until this turn ends, and no kernel buffers take 30 MB.
  for (let i = 0; i < 100; i++) peers.send(other, effects);
  peers.send(other, { ...confirmation, tail: { base: START_POSITION, effects: [large] } });
  peers.send(other, { ...confirmation, partition: 8 });
  peers.send(other, { kind: 'beacon', sentAtMs: 1, timeMs: 2 });
  await until(() => received.at(-1)?.kind === 'beacon');
  const effectCount = received.filter(({ kind }) => kind === 'effects').length;
  expect(effectCount).toBeLessThan(100);
  const others = received
    .slice(effectCount)
    .map((message) => [message.kind, 'partition' in message && message.partition]);
  expect(others).toEqual([
    ['confirmation', 8],
    ['beacon', false],
  ]);
  expect(breaches).toEqual([]);
  // The replica sends again what was dropped.
  await until(() => changes.length > 0);
  expect(changes).toEqual([`up ${other}`]);
});

it('a link ends, and that is told, once the topology has its process elsewhere or no more', async () => {
  const moved = new TestNode(new HeldStore(), receiver);
  await moved.start();
  peers.learn(withOther(moved));
  expect(changes).toEqual([`down ${other}`]);
  await until(() => peers.isOpen(other) && node.openLinks === 0 && moved.openLinks === 1);
  peers.learn(empty);
  expect([peers.openCount, changes]).toEqual([0, [`down ${other}`, `up ${other}`, `down ${other}`]]);
  await until(() => moved.openLinks === 0);
  await moved.kill();
});
