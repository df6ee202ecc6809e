import { KvsError } from '@kvs/protocol';
import { QueryParameters } from './query-parameters.js';

const KNOWN = ['a', 'b', 'encoding'];
const parse = (query: string) => new QueryParameters(`/path${query}`, KNOWN);

function refusalOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof KvsError) return error.code;
    throw error;
  }
  throw new TypeError('nothing was thrown');
}

describe('query parameters', () => {
  it.each(['', '?', '?&', '?&&'])('may be missing: %j', (query) => {
    expect(parse(query).text('a')).toBeUndefined();
  });

  it.each([
    ['?a=1', '1'],
    ['?b=2&a=1', '1'],
    ['?a=', ''],
    ['?a', ''],
    ['?a=x=y', 'x=y'],
    ['?a=x?y', 'x?y'],
    ['?a=x+y%2B', 'x y+'],
    ['?%61=%C3%BC%26', 'ü&'],
    ['?a=a:b/c', 'a:b/c'],
  ])('are read decoded: %s', (query, text) => {
    expect(parse(query).text('a')).toBe(text);
  });

  it.each([
    ['unknown', '?c=1'],
    ['of another case', '?A=1'],
    ['unknown, after a known one', '?a=1&partail=true'],
    ['an empty name', '?=1'],
    ['the name of what every object has', '?__proto__=1'],
    ['given twice', '?a=1&a=1'],
    ['given twice, once encoded', '?a=1&%61=2'],
    ['broken in its encoding', '?a=%'],
    ['not UTF-8', '?a=%ff'],
    ['a name that is not UTF-8', '?%ff=a'],
  ])('are refused when one is %s', (_, query) => {
    expect(refusalOf(() => parse(query))).toBe('invalid_parameter');
  });

  it('says what is known when one is not', () => {
    expect(() => parse('?c')).toThrow('parameter "c" is not known; known are: a, b, encoding');
    expect(() => new QueryParameters('/query?meta', [])).toThrow('parameter "meta" is not known; none is');
  });
});

describe('a flag', () => {
  it.each([
    ['', false],
    ['?a=false', false],
    ['?a', true],
    ['?a=', true],
    ['?a=true', true],
  ])('is, for %j, %s', (query, expected) => {
    expect(parse(query).flag('a')).toBe(expected);
  });

  it.each(['?a=1', '?a=yes', '?a=TRUE'])('is refused as %s', (query) => {
    expect(refusalOf(() => parse(query).flag('a'))).toBe('invalid_parameter');
  });
});

it.each([
  ['True', 'a must be true or false, not "True"; write a=true'],
  ['1', 'a must be true or false, not "1"; write a=true'],
  ['NO', 'a must be true or false, not "NO"; write a=false'],
  ['maybe', 'a must be true or false, not "maybe"'],
])('a flag that is %s is refused with the spelling that is meant', (value, message) => {
  expect(() => parse(`?a=${value}`).flag('a')).toThrow(new KvsError('invalid_parameter', message));
});

it('an encoding in capitals is refused with the spelling that is meant', () => {
  expect(() => parse('?encoding=Binary').encoding()).toThrow(
    'encoding must be string or binary, not "Binary"; write encoding=binary',
  );
  expect(() => parse('?encoding=hex').encoding()).toThrow(/not "hex"$/);
});

describe('a whole number', () => {
  it.each([
    ['', undefined],
    ['?a=1', 1],
    ['?a=007', 7],
    ['?a=10', 10],
  ])('is, for %j, %s', (query, expected) => {
    expect(parse(query).wholeNumber('a', 1, 10)).toBe(expected);
  });

  it.each(['?a', '?a=0', '?a=11', '?a=-1', '?a=1.5', '?a=1e1', '?a=0x1', '?a=%201', '?a=NaN'])(
    'is refused as %s',
    (query) => {
      expect(refusalOf(() => parse(query).wholeNumber('a', 1, 10))).toBe('invalid_parameter');
    },
  );

  it('may be the largest that is exact, and no more', () => {
    const max = Number.MAX_SAFE_INTEGER;
    expect(parse(`?a=${max}`).wholeNumber('a', 1, max)).toBe(max);
    expect(refusalOf(() => parse('?a=9007199254740992').wholeNumber('a', 1, max))).toBe('invalid_parameter');
  });
});

describe('an encoding', () => {
  it('is string unless given', () => {
    expect(parse('').encoding()).toBe('string');
    expect(parse('?encoding=binary').encoding()).toBe('binary');
  });

  it.each(['?encoding', '?encoding=hex', '?encoding=String'])('is refused as %s', (query) => {
    expect(refusalOf(() => parse(query).encoding())).toBe('invalid_parameter');
  });
});
