import { FakeLinkNode } from '../test/fake-link-node.js';
import { NodeDataTransport } from './node-data-transport.js';
import { describeNodeTransport } from './testing/index.js';
import { NODE_PROTOCOLS } from './ways.js';

describe.each(NODE_PROTOCOLS)('by the protocol %s', (protocol) => {
  describeNodeTransport(
    'a transport',
    {
      connect: (address, settings) =>
        new NodeDataTransport(address, {
          protocol,
          nodeConnections: 8,
          maxBatchItems: 1000,
          minReconnectMs: 5,
          stats: () => Promise.reject(new TypeError('nobody asks')),
          ...settings,
        }),
    },
    { describe, it },
  );
});

it('a link takes pairs as large as they may be', async () => {
  const fake = await FakeLinkNode.start();
  const maxValueBytes = 2 ** 27;
  const large = new NodeDataTransport(fake.address, {
    protocol: 'link',
    nodeTimeoutMs: 60_000,
    nodeConnections: 4,
    maxBatchItems: 100,
    pairLimits: { maxKeyBytes: 10, maxValueBytes },
    stats: () => Promise.reject(new TypeError('nobody asks')),
  });
  await fake.until(() => fake.hello !== undefined);
  expect(fake.hello?.maxFrameBytes).toBeGreaterThan(2 * maxValueBytes);
  large.close();
  await fake.stop();
});
