import { readFrames } from '../../test/frames.js';
import { FrameBuilder } from './frame-builder.js';
import { FRAME, LinkProtocolError } from './frame.js';
import { decodeHello, encodeHello } from './hello.js';

const builder = new FrameBuilder();
const limits = { maxFrameBytes: 2 ** 17, maxCallsInFlight: 70, maxBytesInFlight: 2 ** 40 };

it('a hello is read as it was written', () => {
  const longest = { clusterId: 'c'.repeat(128), bootId: 'ä'.repeat(128) };
  for (const hello of [limits, { ...limits, identity: longest }])
    for (let slab = 1; slab < 60; slab++)
      expect(readFrames(encodeHello(new FrameBuilder(slab), hello), decodeHello)).toEqual([hello]);
});

it.each([
  ['half of an identity', { clusterId: 'orders', bootId: '' }],
  ['half of an identity', { clusterId: '', bootId: 'b' }],
  ['too long an identity', { clusterId: 'orders', bootId: 'b'.repeat(129) }],
  ['too long an identity', { clusterId: 'c'.repeat(129), bootId: 'b' }],
])('a hello with %s is refused: %j', (_, identity) => {
  const frame = encodeHello(builder, { ...limits, identity });
  expect(() => readFrames(frame, decodeHello)).toThrow(LinkProtocolError);
});

it('a hello of an end that computes partitions in another way is refused', () => {
  builder.begin(FRAME.hello);
  builder.reserve(100);
  for (const limit of Object.values(limits)) builder.integer(limit);
  builder.varint('murmur3/1'.length);
  builder.text('murmur3/1');
  expect(() => readFrames(builder.finish(), decodeHello)).toThrow(/"murmur3\/1", not by crc16\/1/);
});

it.each([
  ['a call', { maxCallsInFlight: 0 }],
  ['the bytes of a call', { maxBytesInFlight: 0 }],
  ['the largest chunk of a stream', { maxFrameBytes: 2 ** 17 - 1 }],
])('a hello that leaves no room for %s is refused', (_, none) => {
  const mute = encodeHello(builder, { ...limits, ...none });
  expect(() => readFrames(mute, decodeHello)).toThrow(LinkProtocolError);
});
