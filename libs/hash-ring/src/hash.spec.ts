import fc from 'fast-check';
import { hash32 } from './hash.js';

const encoder = new TextEncoder();

describe('hash32', () => {
  it('gives the verification value of SMHasher for MurmurHash3_x86_32', () => {
    // SMHasher's VerificationTest: keys {}, {0}, {0,1}, … hashed with seeds 256 - i; then all results hashed.
    const results = new Uint8Array(256 * 4);
    const view = new DataView(results.buffer);
    for (let i = 0; i < 256; i++) {
      const key = Uint8Array.from({ length: i }, (_, at) => at);
      view.setUint32(i * 4, hash32(key, 256 - i), true);
    }
    expect(hash32(results, 0)).toBe(0xb0f57ee3);
  });

  it.each([
    ['', 0, 0],
    ['', 1, 0x514e28b7],
    ['', 0xffffffff, 0x81f16f39],
    ['test', 0, 0xba6bd213],
    ['test', 0x9747b28c, 0x704b81dc],
    ['Hello, world!', 0, 0xc0363e43],
    ['Hello, world!', 0x9747b28c, 0x24884cba],
    ['The quick brown fox jumps over the lazy dog', 0, 0x2e4ff723],
    ['The quick brown fox jumps over the lazy dog', 0x9747b28c, 0x2fa826cd],
    ['ππππππππ', 0x9747b28c, 0xd58063c1],
    ['aaaa', 0x9747b28c, 0x5a97808a],
    ['aaa', 0x9747b28c, 0x283e0130],
    ['aa', 0x9747b28c, 0x5d211726],
    ['a', 0x9747b28c, 0x7fa09ea6],
  ])('hashes %j with seed %i as published', (text, seed, expected) => {
    expect(hash32(text, seed)).toBe(expected);
    expect(hash32(encoder.encode(text), seed)).toBe(expected);
  });

  it('hashes a string as its UTF-8 bytes, lone surrogates as TextEncoder replaces them', () => {
    const text = fc.string({
      unit: fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('\ud83d', '\udc00', 'é', '√')),
    });
    fc.assert(
      fc.property(text, fc.integer(), (input, seed) => {
        expect(hash32(input, seed)).toBe(hash32(encoder.encode(input), seed));
      }),
      { numRuns: 1000 },
    );
  });

  it.each([42, null, undefined, [1], new Uint16Array(1)])('refuses %p', (input) => {
    expect(() => Reflect.apply(hash32, undefined, [input])).toThrow(
      expect.objectContaining({ code: 'invalid_key' }),
    );
  });

  it('hashes a view of a larger buffer by the bytes it shows', () => {
    const buffer = encoder.encode('..hello..');
    expect(hash32(buffer.subarray(2, 7))).toBe(hash32('hello'));
  });
});
