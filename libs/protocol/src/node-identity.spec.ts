import {
  canonicalAddress,
  httpOrigin,
  isLabel,
  isNodeId,
  isWeight,
  MAX_LABEL_LENGTH,
} from './node-identity.js';

const LONGEST_HOST = 'h'.repeat(253);

describe('an address', () => {
  it.each([
    ['localhost:3000', 'localhost:3000'],
    ['Node_1.Example.COM:1', 'node_1.example.com:1'],
    ['127.0.0.1:65535', '127.0.0.1:65535'],
    ['[::1]:3000', '[::1]:3000'],
    ['[2001:DB8::1]:03000', '[2001:db8::1]:3000'],
    ['[0:0:0:0:0:0:0:1]:80', '[::1]:80'],
    ['127.1:80', '127.0.0.1:80'],
    [`${LONGEST_HOST}:65535`, `${LONGEST_HOST}:65535`],
  ])('%s is %s, which is an id too', (text, address) => {
    expect(canonicalAddress(text)).toBe(address);
    expect(isNodeId(address)).toBe(true);
  });

  it.each([
    '',
    'localhost',
    ':3000',
    'localhost:',
    'localhost:0',
    'localhost:65536',
    '::1:3000',
    'a b:1',
    'a:1\n',
    'a\r\nb:1',
    'a:1/',
    'http://a:1',
    'a:1:2',
    '[zz]:1',
    '[::::]:1',
    '999.1.1.1:1',
    `${LONGEST_HOST}h:1`,
  ])('%j is none', (text) => {
    expect(canonicalAddress(text)).toBeUndefined();
  });
});

it.each(['a', 'node-1.east_2', '[::1]:3000', 'A'.repeat(MAX_LABEL_LENGTH)])('%j is an id', (text) => {
  expect(isNodeId(text)).toBe(true);
});

it.each(['', 'a b', 'a\n', 'a/b', 'ä', 'A'.repeat(MAX_LABEL_LENGTH + 1)])('%j is no id', (text) => {
  expect(isNodeId(text)).toBe(false);
});

it.each(['', 'east', 'Zürich 2, rack 7', '東'.repeat(MAX_LABEL_LENGTH)])('%j is a label', (text) => {
  expect(isLabel(text)).toBe(true);
});

it.each(['a\n', 'a\tb', '\u{1b}[31m', '\u{202e}a', '\u{2028}', '\u{d800}', 'a'.repeat(MAX_LABEL_LENGTH + 1)])(
  '%j is no label',
  (text) => {
    expect(isLabel(text)).toBe(false);
  },
);

it('a weight is finite, and in a range that a ring takes', () => {
  expect([1e-6, 1, 2.5, 1e6].map(isWeight)).toEqual([true, true, true, true]);
  expect([9e-7, 0, -0, -1, 1_000_001, Infinity, NaN].some(isWeight)).toBe(false);
});

it('the URL of a server has an origin', () => {
  expect(httpOrigin('http://Proxy:8080/path?query')).toBe('http://proxy:8080');
  expect(httpOrigin('https://[0::1]')).toBe('https://[::1]');
  expect(['', 'nonsense', 'proxy:8080', 'file:///etc', 'http://', 'http://a b'].map(httpOrigin)).toEqual(
    new Array(6).fill(undefined),
  );
});
