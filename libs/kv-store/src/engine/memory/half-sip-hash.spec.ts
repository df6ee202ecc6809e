import { halfSipHash } from './half-sip-hash.js';

/** The first of the reference's vectors for 32 bits: key 00…07, input 00, 01, …, little end first. */
const VECTORS = [
  'a9359f5b',
  '27475ab8',
  'fa62a603',
  '8afee704',
  '2a6e4689',
  'c5fab669',
  '5863fc23',
  '8bcf63c5',
];

describe('HalfSipHash', () => {
  it.each(VECTORS.map((vector, length) => ({ vector, length })))(
    'agrees with the reference: $length',
    (test) => {
      const bytes = Uint8Array.from({ length: test.length }, (_, i) => i);
      const hash = halfSipHash(bytes, test.length, [0x03020100, 0x07060504], 2, 4);
      const hex = Buffer.alloc(4);
      hex.writeUInt32LE(hash);
      expect(hex.toString('hex')).toBe(test.vector);
    },
  );

  it('depends on its key', () => {
    const bytes = Buffer.from('key');
    expect(halfSipHash(bytes, 3, [1, 2])).not.toBe(halfSipHash(bytes, 3, [2, 1]));
  });
});
