import fc from 'fast-check';
import { binaryKey, stringKey } from './key.js';
import { PARTITION_COUNT, partitionOf, slotOf, slotOfBytes } from './partition.js';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** CRC-16/XMODEM bit by bit, and the hash tag as the specification of Redis Cluster has it, over plain bytes. */
function slotByTheBook(bytes: readonly number[]): number {
  const open = bytes.indexOf(0x7b);
  const close = open === -1 ? -1 : bytes.indexOf(0x7d, open + 1);
  const hashed = close > open + 1 ? bytes.slice(open + 1, close) : bytes;
  let crc = 0;
  for (const byte of hashed) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return crc % 16_384;
}

describe('the slot of a key', () => {
  it.each([
    ['123456789', 0x31c3],
    ['foo', 12_182],
    ['user1000', 3443],
    ['{user1000}.following', 3443],
    ['{user1000}.followers', 3443],
  ])('of %s is that of Redis Cluster, %i', (text, slot) => {
    expect(slotOf(stringKey(text))).toBe(slot);
    expect(slotOf(binaryKey(bytesOf(text)))).toBe(slot);
  });

  it.each([
    ['foo{bar}{zap}', 'bar', 'the first tag counts'],
    ['foo{{bar}}zap', '{bar', 'the tag begins after the first opening brace'],
    ['}a{b}c', 'b', 'a closing brace before the tag does not end it'],
    ['é{日本}', '日本', 'a tag may have any characters'],
  ])('of %s is that of %s, because %s', (text, tag) => {
    expect(slotOf(stringKey(text))).toBe(slotOf(stringKey(tag)));
    expect(slotOf(binaryKey(bytesOf(text)))).toBe(slotOf(stringKey(tag)));
  });

  it.each(['foo{}{bar}', '{}', 'foo{bar', 'foo}bar', '{', '}{'])('of %s takes all bytes', (text) => {
    expect(slotOf(stringKey(text))).toBe(slotByTheBook([...bytesOf(text)]));
  });

  it.each(['\u007f', '\u0080', '\u07ff', '\u0800', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}'])(
    'of %j, where the number of bytes changes, is that of its UTF-8',
    (text) => expect(slotOf(stringKey(text))).toBe(slotByTheBook([...bytesOf(text)])),
  );

  it('of bytes is not confused by digits of two bytes that look like a brace', () => {
    const bytes = [0x17, 0xb1, 0x41, 0x17, 0xd1];
    expect(slotOf(binaryKey(Uint8Array.from(bytes)))).toBe(slotByTheBook(bytes));
  });

  it('of a text is that of its UTF-8', () => {
    const unit = fc.oneof(
      fc.constantFrom('{', '}'),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
    );
    fc.assert(
      fc.property(fc.string({ unit, minLength: 1 }), (text) => {
        expect(slotOf(stringKey(text))).toBe(slotByTheBook([...bytesOf(text)]));
      }),
    );
  });

  it('of bytes depends on nothing but the bytes', () => {
    const byte = fc.oneof(fc.constantFrom(0x7b, 0x7d), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(byte, { minLength: 1 }), (bytes) => {
        expect(slotOf(binaryKey(Uint8Array.from(bytes)))).toBe(slotByTheBook(bytes));
        expect(slotOfBytes(Uint8Array.from(bytes))).toBe(slotByTheBook(bytes));
      }),
    );
  });
});

describe('the partition of a key', () => {
  it('is a quarter of its slot', () => {
    expect(partitionOf(stringKey('foo'))).toBe(3045);
  });

  it('is spread evenly over sequential keys', () => {
    const counts = new Uint32Array(PARTITION_COUNT);
    for (let i = 0; i < 64 * PARTITION_COUNT; i++) {
      const partition = partitionOf(stringKey(`user:${i}`));
      counts[partition] = (counts[partition] ?? 0) + 1;
    }
    expect(Math.min(...counts)).toBeGreaterThan(32);
    expect(Math.max(...counts)).toBeLessThan(128);
  });
});
