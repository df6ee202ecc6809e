import fc from 'fast-check';
import { binaryKey, binaryValue, keyFromId, keyId, stringKey, stringValue } from './key.js';

const bytes = fc.uint8Array({ minLength: 1, maxLength: 40 });
const text = fc.string({ unit: 'binary', minLength: 1 });
const key = fc.oneof(bytes.map(binaryKey), text.map(stringKey));

describe('a key', () => {
  it('is told apart by its encoding too', () => {
    expect(keyId(stringKey('1234'))).not.toBe(keyId(binaryKey(Uint8Array.of(0x12, 0x34))));
  });

  it('is found again from its id', () => {
    fc.assert(fc.property(key, (some) => expect(keyFromId(keyId(some))).toEqual(some)));
  });

  it('is never empty', () => {
    expect(() => stringKey('')).toThrow(expect.objectContaining({ code: 'empty_key' }));
    expect(() => binaryKey(new Uint8Array())).toThrow(expect.objectContaining({ code: 'empty_key' }));
  });

  it('holds no lone surrogate', () => {
    expect(() => stringKey('\ud800')).toThrow(expect.objectContaining({ code: 'invalid_data' }));
  });
});

describe('a value', () => {
  it('may be empty', () => {
    expect(stringValue('')).toEqual({ encoding: 'string', data: '' });
    expect(binaryValue(new Uint8Array())).toEqual({ encoding: 'binary', data: '' });
  });

  it('spells bytes in two lower-case digits each', () => {
    expect(binaryValue(Uint8Array.of(0, 10, 255)).data).toBe('000aff');
  });

  it('spells all bytes, however many there are', () => {
    const many = Uint8Array.from({ length: 150_000 }, (_, i) => i % 251);
    expect(binaryValue(many).data).toBe(Buffer.from(many).toString('hex'));
  });

  it('holds no lone surrogate', () => {
    expect(() => stringValue('\ud800')).toThrow(expect.objectContaining({ code: 'invalid_data' }));
  });
});
