import {
  Encoded,
  MapReply,
  NULL_ARRAY,
  RedisError,
  SetReply,
  SimpleString,
  sizeOf,
  Verbatim,
  type Reply,
} from './reply.js';

const text = 'x'.repeat(1000);

it.each<[string, Reply, number]>([
  ['a number', 1, 0],
  ['null', null, 0],
  ['the null array', NULL_ARRAY, 0],
  ['a text', 'é'.repeat(1000), 2000],
  ['bytes', Buffer.alloc(1000), 1000],
  ['a simple string', new SimpleString(text), 1000],
  ['a verbatim string', new Verbatim(text), 1000],
  ['an error', new RedisError('ERR', text), 1000],
  ['an encoded reply', new Encoded({ 2: Buffer.alloc(1000), 3: Buffer.alloc(1000) }), 1000],
  ['an array of numbers', Array<number>(1000).fill(1), 16_000],
  ['arrays in arrays', [[text], [[text]]], 2000],
  ['a set', new SetReply([text, [text]]), 2000],
  ['a map', new MapReply([[text, [text, text]]]), 3000],
])('%s counts as its bytes and a few for each part', (_, reply, bytes) => {
  expect(sizeOf(reply)).toBeGreaterThan(bytes);
  expect(sizeOf(reply)).toBeLessThan(5 * bytes + 1000);
});
