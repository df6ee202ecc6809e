import { FakeLinkNode } from '../test/fake-link-node.js';
import { NodeLink } from './node-link.js';
import { describeNodeTransport } from './testing/index.js';

describeNodeTransport(
  'a node link',
  { connect: (address, settings) => new NodeLink(address, settings) },
  { describe, it },
);

it('has no heartbeat that is too slow for a node', () => {
  const link = (heartbeatMs: number) => new NodeLink('127.0.0.1:1', { nodeTimeoutMs: 1000, heartbeatMs });
  expect(() => link(20_001)).toThrow(RangeError);
  link(20_000).close();
});

it('takes pairs as large as they may be', async () => {
  const fake = await FakeLinkNode.start();
  const maxValueBytes = 2 ** 27;
  const large = new NodeLink(fake.address, {
    nodeTimeoutMs: 60_000,
    pairLimits: { maxKeyBytes: 10, maxValueBytes },
  });
  await fake.until(() => fake.hello !== undefined);
  expect(fake.hello?.maxFrameBytes).toBeGreaterThan(2 * maxValueBytes);
  large.close();
  await fake.stop();
});
