import { preferredType } from './accept.js';

const JSON_TYPE = 'application/json';
const LINES = 'application/x-ndjson';

it.each([
  [undefined, JSON_TYPE],
  ['', JSON_TYPE],
  ['*/*', JSON_TYPE],
  ['*', JSON_TYPE],
  ['application/*', JSON_TYPE],
  ['application/x-ndjson', LINES],
  ['Application/X-NDJSON; charset=utf-8', LINES],
  ['application/json;charset=utf-8', JSON_TYPE],
  // Weights.
  ['application/x-ndjson;q=0.1, application/json', JSON_TYPE],
  ['application/json;q=0.1, application/x-ndjson', LINES],
  ['application/json ; Q = .5,application/x-ndjson;q=0.500', JSON_TYPE],
  ['application/json;level=1;q=0.2, application/x-ndjson;q=0.3', LINES],
  // The more exact range decides about a type, and wins among equals.
  ['application/x-ndjson, */*', LINES],
  ['*/*, application/x-ndjson', LINES],
  ['*/*;q=0.9, application/json;q=0.1', LINES],
  ['application/*;q=0.2, */*', JSON_TYPE],
  // Then the order in the header.
  ['application/x-ndjson, application/json', LINES],
  ['application/json, application/x-ndjson', JSON_TYPE],
  ['text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8', JSON_TYPE],
  // As Java sends it.
  ['text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2', JSON_TYPE],
  // A weight of 0 excludes.
  ['application/json;q=0, */*', LINES],
  ['application/x-ndjson;q=0, */*', JSON_TYPE],
  ['*/*;q=0', undefined],
  ['application/x-ndjson;q=0', undefined],
  ['text/html', undefined],
  ['text/*', undefined],
  ['json', undefined],
  ['application/jsonx, application/x', undefined],
])('%j prefers %s', (header, expected) => {
  expect(preferredType(header, [JSON_TYPE, LINES])).toBe(expected);
});

it.each([';', '; ', ';\t q', ';q=', ';q="', ' ', ',', ' *;q=0 ,', '*/*;q=0,'])(
  'reads any number of %j in linear time',
  (text) => {
    const header = `text/html${text.repeat(2 ** 20 / text.length)}`;
    expect(preferredType(header, [JSON_TYPE, LINES])).toBeUndefined();
  },
);
