import fc from 'fast-check';
import { addIntegers, parseInteger } from './integer.js';

const integers = fc.oneof(fc.integer().map(BigInt), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));

it.each([
  '',
  '-',
  '+1',
  '01',
  '-0',
  '1.0',
  '1e3',
  ' 1',
  '1 ',
  '0x1',
  '9223372036854775808',
  '-9223372036854775809',
])('takes %j for no integer', (text) => expect(parseInteger(text)).toBeUndefined());

it('reads every integer of 64 bits, as a number where numbers are exact', () => {
  fc.assert(
    fc.property(integers, (integer) => {
      const read = parseInteger(String(integer));
      expect(read).toBeDefined();
      expect(String(read)).toBe(String(integer));
      expect(typeof read).toBe(Number.isSafeInteger(Number(integer)) ? 'number' : 'bigint');
    }),
  );
});

it('is exact up to the ends of 64 bits, and a number up to the ends of exact numbers', () => {
  expect(parseInteger('-9223372036854775808')).toBe(-(2n ** 63n));
  expect(parseInteger('9223372036854775807')).toBe(2n ** 63n - 1n);
  expect(parseInteger('-9007199254740991')).toBe(Number.MIN_SAFE_INTEGER);
  expect(parseInteger('9007199254740993')).toBe(2n ** 53n + 1n);
  expect(addIntegers(Number.MAX_SAFE_INTEGER, 2)).toBe(2n ** 53n + 1n);
  expect(addIntegers(2n ** 53n + 1n, -2)).toBe(Number.MAX_SAFE_INTEGER);
});

it('adds as integers do, and has no sum beyond 64 bits', () => {
  fc.assert(
    fc.property(integers, integers, (one, other) => {
      const sum = one + other;
      const fits = BigInt.asIntN(64, sum) === sum;
      const [a, b] = [parseInteger(String(one)) ?? 0, parseInteger(String(other)) ?? 0];
      expect(String(addIntegers(a, b))).toBe(fits ? String(sum) : 'undefined');
    }),
  );
});
