import fc from 'fast-check';
import { byteLength, canonicalData, isValidData } from './encoding.js';

describe('binary data', () => {
  it.each(['', '00', '1234', '1010101010', '8959', 'ABcd'])('%j is valid', (data) => {
    expect(isValidData('binary', data)).toBe(true);
  });

  it.each(['1', '123', '0x12', '12 34', 'gg', '１２', '12\n'])('%j is not valid', (data) => {
    expect(isValidData('binary', data)).toBe(false);
  });

  it('is lower case in its canonical form', () => {
    expect(canonicalData('binary', 'ABcd09')).toBe('abcd09');
  });

  it('has a byte for two digits', () => {
    expect(byteLength({ encoding: 'binary', data: 'abcd09' })).toBe(3);
  });
});

describe('string data', () => {
  it.each(['', 'a', 'é', '😀', '\0', '\ufeff'])('%j is valid and kept as it is', (data) => {
    expect(isValidData('string', data)).toBe(true);
    expect(canonicalData('string', data)).toBe(data);
  });

  it.each(['\ud800', 'a\udc00', '\udc00\ud800'])('a lone surrogate is not valid', (data) => {
    expect(isValidData('string', data)).toBe(false);
  });

  it('has the length of its UTF-8', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (data) => {
        expect(byteLength({ encoding: 'string', data })).toBe(Buffer.byteLength(data));
      }),
    );
  });
});
