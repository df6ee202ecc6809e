import { stringValue } from '@kvs/protocol';
import { TransportError, type TransportFailure } from './node-transport.js';
import { FakeCluster } from './testing/fake-cluster.js';

const away = 'node-1:3000';
const none = { unconnected: 0, broken: 0, timeout: 0, refused: 0, loop: 0 };
const gone = (failure: TransportFailure) => new TransportError(failure, 'gone');

function tallyOf(fake: FakeCluster) {
  const tally = fake.router.callsByNode().find(({ node }) => node === away);
  return [tally?.calls, tally?.failures];
}

it('every node is listed, though it was never asked', () => {
  expect(new FakeCluster(2).router.callsByNode()).toEqual([
    { node: 'node-0:3000', calls: 0, failures: none },
    { node: 'node-1:3000', calls: 0, failures: none },
  ]);
});

it('each call to a node counts, a batch once, and failures by their kind', async () => {
  const fake = new FakeCluster(3);
  const keys = fake.keysOf(away);
  await fake.router.set(keys.map((key) => ({ key, value: stringValue('v') })));
  await fake.router.query(keys);
  expect(tallyOf(fake)).toEqual([2, none]);
  fake.node(away).failure = gone('timeout');
  await fake.router.fetch(keys);
  await fake.router.delete(keys.map((key) => ({ key })));
  expect(tallyOf(fake)).toEqual([4, { ...none, timeout: 2 }]);
});

it('a read that is tried again counts twice', async () => {
  const fake = new FakeCluster(3);
  fake.node(away).nextFailures.push(gone('broken'));
  await fake.router.fetch(fake.keysOf(away));
  expect(tallyOf(fake)).toEqual([2, { ...none, broken: 1 }]);
});

it('a scan counts as one call to each node', async () => {
  const fake = new FakeCluster(3);
  fake.node(away).failure = gone('unconnected');
  const scan = await fake.router.scan({ meta: false, partial: true });
  scan.close();
  expect(fake.router.callsByNode().map(({ calls }) => calls)).toEqual([1, 1, 1]);
  expect(tallyOf(fake)).toEqual([1, { ...none, unconnected: 1 }]);
});

it('a list that was given out is of its moment', async () => {
  const fake = new FakeCluster(2);
  const before = fake.router.callsByNode();
  fake.node(away).failure = gone('timeout');
  await fake.router.query(fake.keysOf(away));
  expect(before.map(({ calls, failures }) => [calls, failures])).toEqual([
    [0, none],
    [0, none],
  ]);
});

it('a defect is no failure of the node', async () => {
  const fake = new FakeCluster(2);
  fake.node(away).failure = new TypeError('a defect');
  await expect(fake.router.query(fake.keysOf(away))).rejects.toThrow('a defect');
  expect(tallyOf(fake)).toEqual([1, none]);
});
