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

it('has no heartbeat that is too slow for a node', () => {
  const transport = (heartbeatMs: number) =>
    new NodeDataTransport('127.0.0.1:1', {
      protocol: 'http',
      nodeTimeoutMs: 1000,
      nodeConnections: 1,
      maxBatchItems: 1,
      heartbeatMs,
      stats: () => Promise.reject(new TypeError('nobody asks')),
    });
  expect(() => transport(20_001)).toThrow(RangeError);
  transport(20_000).close();
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
