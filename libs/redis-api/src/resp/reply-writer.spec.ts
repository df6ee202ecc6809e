import { MapReply, NULL_ARRAY, OK, RedisError, SetReply, Verbatim, type Reply } from '../reply.js';
import { encode, ReplyWriter, wireBytes, WriteBuffers } from './reply-writer.js';

function written(reply: Reply, version: 2 | 3): string {
  return wireBytes(reply, version).toString('latin1');
}

it.each<[string, Reply, string, string?]>([
  ['a simple string', OK, '+OK\r\n'],
  ['an integer', -12, ':-12\r\n'],
  ['an integer of 64 bits', 2n ** 63n - 1n, ':9223372036854775807\r\n'],
  ['a text', 'a', '$1\r\na\r\n'],
  ['a text that is not ASCII', 'é', '$2\r\n\xc3\xa9\r\n'],
  ['bytes', Buffer.of(0xff, 0), '$2\r\n\xff\x00\r\n'],
  ['null', null, '$-1\r\n', '_\r\n'],
  ['the null array', NULL_ARRAY, '*-1\r\n', '_\r\n'],
  [
    'an array in an array',
    [1, ['b', null]],
    '*2\r\n:1\r\n*2\r\n$1\r\nb\r\n$-1\r\n',
    '*2\r\n:1\r\n*2\r\n$1\r\nb\r\n_\r\n',
  ],
  ['an error', new RedisError('ERR', 'two\r\nlines'), '-ERR two lines\r\n'],
  ['a short error that is not ASCII', new RedisError('ERR', 'no é'), '-ERR no \xc3\xa9\r\n'],
  [
    'a long error that is not ASCII',
    new RedisError('ERR', 'é'.repeat(9000)),
    `-ERR ${'\xc3\xa9'.repeat(9000)}\r\n`,
  ],
  ['a set', new SetReply(['a', 1]), '*2\r\n$1\r\na\r\n:1\r\n', '~2\r\n$1\r\na\r\n:1\r\n'],
  ['a map', new MapReply([['a', 1]]), '*2\r\n$1\r\na\r\n:1\r\n', '%1\r\n$1\r\na\r\n:1\r\n'],
  [
    'an encoded reply in an array',
    [encode([1, null])],
    '*1\r\n*2\r\n:1\r\n$-1\r\n',
    '*1\r\n*2\r\n:1\r\n_\r\n',
  ],
  ['a text for people', new Verbatim('hi'), '$2\r\nhi\r\n', '=6\r\ntxt:hi\r\n'],
])('writes %s as RESP2 and RESP3', (_, reply, resp2, resp3 = resp2) => {
  expect([written(reply, 2), written(reply, 3)]).toEqual([resp2, resp3]);
});

it('gives all replies of a turn at once, and begins anew', () => {
  const writer = new ReplyWriter(new WriteBuffers());
  const long = 'x'.repeat(100_000);
  for (const reply of ['a', long, 1]) writer.write(reply, 2);
  const first = writer.take();
  writer.write('later', 2);
  expect(String(first)).toBe(`$1\r\na\r\n$100000\r\n${long}\r\n:1\r\n`);
  expect([String(writer.take()), writer.length]).toEqual(['$5\r\nlater\r\n', 0]);
});

it('never mixes the replies of two connections that share buffers', () => {
  const buffers = new WriteBuffers();
  const [one, other] = [new ReplyWriter(buffers), new ReplyWriter(buffers)];
  one.write('one', 2);
  other.write('other', 2);
  const taken = one.take();
  one.write('again', 2);
  expect([taken, other.take(), one.take()].map(String)).toEqual([
    '$3\r\none\r\n',
    '$5\r\nother\r\n',
    '$5\r\nagain\r\n',
  ]);
});
