import fc from 'fast-check';
import { binaryKey, binaryValue, DEFAULT_LIMITS, stringKey, stringValue } from '@kvs/protocol';
import { bulkOf, bytesOf, isNameable, keyOf, valueOf } from './data.js';

const limits = { ...DEFAULT_LIMITS, maxKeyBytes: 4, maxValueBytes: 6 };

it.each<[string, Buffer, 'string' | 'binary']>([
  ['text', Buffer.from('né'), 'string'],
  ['a replacement character', Buffer.from('\ufffd'), 'string'],
  ['a byte that no text has', Buffer.from([0x61, 0xff]), 'binary'],
  ['half of a character', Buffer.from('é').subarray(0, 1), 'binary'],
  ['a lone surrogate', Buffer.from([0xed, 0xa0, 0x80]), 'binary'],
])('%s is data of its own encoding', (_, bytes, encoding) => {
  expect(keyOf(bytes, limits).encoding).toBe(encoding);
  expect(valueOf(bytes, limits).encoding).toBe(encoding);
});

it('gives the same bytes back, whatever they are', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 6 }), (bytes) => {
      const value = valueOf(Buffer.from(bytes), limits);
      expect([...bytesOf(value)]).toEqual([...bytes]);
      expect([...Buffer.from(bulkOf(value))]).toEqual([...bytes]);
    }),
  );
});

it('reads a binary value that is text, and cannot name a binary key that is text', () => {
  expect(String(bulkOf(binaryValue(Buffer.from('text'))))).toBe('text');
  expect(bulkOf(stringValue('text'))).toBe('text');
  expect(isNameable(binaryKey(Buffer.from('text')))).toBe(false);
  expect(isNameable(binaryKey(Buffer.from([255])))).toBe(true);
  expect(isNameable(stringKey('text'))).toBe(true);
});

it('refuses keys and values beyond the limits', () => {
  expect(() => keyOf(Buffer.alloc(0), limits)).toThrow('a key has at least one byte');
  expect(() => keyOf(Buffer.alloc(5), limits)).toThrow('a key has at most 4 bytes');
  expect(() => valueOf(Buffer.alloc(7), limits)).toThrow('string exceeds maximum allowed size');
});
