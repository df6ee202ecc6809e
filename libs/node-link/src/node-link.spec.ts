import { stringKey, stringValue } from '@kvs/protocol';
import { until } from '@kvs/protocol/testing';
import { FakeLinkNode } from '../test/fake-link-node.js';
import { NodeLink } from './node-link.js';
import { HeldStore } from './testing/held-store.js';
import { TestNode } from './testing/test-node.js';

it('tells the node the partition of each key and the epoch, for parts of batches and scans too', async () => {
  const store = new HeldStore();
  const told: unknown[] = [];
  const node = new TestNode({
    set: (items, ...where) => (told.push(['set', ...where]), store.set(items)),
    fetch: (keys, ...where) => (told.push(['fetch', ...where.slice(1)]), store.fetch(keys)),
    query: (keys, ...where) => (told.push(['query', ...where]), store.query(keys)),
    delete: (items, ...where) => (told.push(['delete', ...where]), store.delete(items)),
    scanLines: (request, epoch) => (told.push(['scan', request.partitions, epoch]), store.scanLines(request)),
    stats: () => store.stats(),
  });
  await node.start();
  const link = new NodeLink(`127.0.0.1:${node.port}`, { nodeTimeoutMs: 60_000, maxBatchItems: 1 });
  const keys = ['hello', 'foo'].map(stringKey);
  const [hello, foo] = [216, 3045];
  const epoch = 2 ** 40;
  await link.set([{ key: stringKey('hello'), value: stringValue('v') }], [hello], epoch);
  await link.fetch(keys, [hello, foo], 7);
  await link.query([stringKey('foo')], [foo], 0);
  await link.delete([{ key: stringKey('foo') }], [foo], 1);
  (await link.scan({ meta: false, partitions: [hello] }, epoch)).close();
  expect(told).toEqual([
    ['set', [hello], epoch],
    ['fetch', [hello], 7],
    ['fetch', [foo], 7],
    ['query', [foo], 0],
    ['delete', [foo], 1],
    ['scan', [hello], epoch],
  ]);
  link.close();
  await node.kill();
});

it('takes pairs as large as they may be', async () => {
  const fake = await FakeLinkNode.start();
  const maxValueBytes = 2 ** 27;
  const large = new NodeLink(fake.address, {
    nodeTimeoutMs: 60_000,
    pairLimits: { maxKeyBytes: 10, maxValueBytes },
  });
  await until(() => fake.hello !== undefined);
  expect(fake.hello?.maxFrameBytes).toBeGreaterThan(2 * maxValueBytes);
  large.close();
  await fake.stop();
});
