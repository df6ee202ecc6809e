import { readScan } from './scan-parameters.js';

const read = (query: string) => readScan(`/fetch${query}`);

describe('a request for all pairs', () => {
  it('asks for everything, and nothing else, by default', () => {
    expect(read('')).toEqual({ scan: { meta: false, partial: false } });
  });

  it('may ask for metadata and for a partial answer', () => {
    expect(read('?meta=true&partial')).toEqual({ scan: { meta: true, partial: true } });
  });

  it.each([
    ['?prefix=ab', { encoding: 'string', data: 'ab' }],
    ['?prefix=ab&encoding=string', { encoding: 'string', data: 'ab' }],
    ['?prefix=AB&encoding=binary', { encoding: 'binary', data: 'ab' }],
    ['?prefix=%C3%BC', { encoding: 'string', data: 'ü' }],
    ['?prefix=', { encoding: 'string', data: '' }],
    ['?encoding=binary', { encoding: 'binary', data: '' }],
  ])('may be for some keys: %s', (query, prefix) => {
    expect(read(query).scan.prefix).toEqual(prefix);
  });
});

describe('a request for a page', () => {
  it.each([
    ['?limit=5', { cursor: 0, limit: 5 }],
    ['?cursor=4095', { cursor: 4095, limit: 1000 }],
    ['?cursor=0&limit=1', { cursor: 0, limit: 1 }],
  ])('is one that has a limit or a cursor: %s', (query, page) => {
    expect(read(query).page).toEqual(page);
  });
});

it.each([
  '?cursor=4096',
  '?cursor=abc',
  '?cursor=',
  '?limit=0',
  '?limit=-1',
  '?partial=maybe',
  '?prefix=abc&encoding=binary',
  '?prefix=xy&encoding=binary',
  '?prefix=a&encoding=hex',
  '?order=asc',
])('%s is refused', (query) => {
  expect(() => read(query)).toThrow(expect.objectContaining({ code: 'invalid_parameter' }));
});
