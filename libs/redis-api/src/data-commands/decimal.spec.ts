import { addDecimals, isTooLarge, parseDecimal, writeDecimal } from './decimal.js';

function sum(one: string, other: string): string {
  const [a, b] = [parseDecimal(one), parseDecimal(other)];
  if (a === undefined || b === undefined) throw new TypeError('not a number');
  return writeDecimal(addDecimals(a, b));
}

it.each([
  ['0.1', '0.2', '0.3'],
  ['10.50', '0.1', '10.6'],
  ['5.0e3', '2.0e2', '5200'],
  ['-1.5', '1.5', '0'],
  ['-0.25', '0.125', '-0.125'],
  ['.5', '5.', '5.5'],
  ['1e-17', '0', '0.00000000000000001'],
  ['4e-18', '0', '0'],
  ['-4e-18', '0', '0'],
  ['9e-18', '0', '0.00000000000000001'],
  ['5e-18', '0', '0'],
  ['15e-18', '0', '0.00000000000000002'],
  ['-0.024390243902439025', '0.02439024390243902', '0'],
  ['1'.repeat(4932), '1', `${'1'.repeat(4931)}2`],
  ['1.18e4932', '0', `118${'0'.repeat(4930)}`],
  [`${'0'.repeat(5110)}1`, '1', '2'],
  [`0.${'0'.repeat(5000)}1e5000`, '0', '0.1'],
  [`1${'0'.repeat(5000)}e-5000`, '0', '1'],
  ['4e-4951', '0', '0'],
  ['0e99999', '1', '1'],
  ['123456789012345678901234567890', '1', '123456789012345678901234567891'],
])('%s and %s make %s', (one, other, expected) => {
  expect(sum(one, other)).toBe(expected);
});

it.each([
  ...['', '.', '-', 'e1', '1e', 'abc', '1 ', ' 1', 'inf', 'nan', '0x10'],
  ...[
    '1.19e4932',
    '-1.19e4932',
    '1e-4951',
    '-1e-4951',
    '1e99999',
    '1e-99999',
    `1e${'9'.repeat(400)}`,
    '0'.repeat(5120),
  ],
])('takes %j for no number', (text) => expect(parseDecimal(text)).toBeUndefined());

it('knows sums that are too large to be read again', () => {
  const large = parseDecimal('1.18e4932') ?? { digits: 0n, places: 0 };
  expect([large, addDecimals(large, large)].map(isTooLarge)).toEqual([false, true]);
});
