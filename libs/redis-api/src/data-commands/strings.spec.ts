import { binaryValue, DEFAULT_LIMITS, exclusive, stringValue, type Value } from '@kvs/protocol';
import { Keyspace } from '../keyspace/index.js';
import type { Reply } from '../reply.js';
import { MapOperations } from '@kvs/protocol/testing';
import { STRING_COMMANDS } from './strings.js';

const LARGE = stringValue('é'.repeat(2 ** 20));

function range(value: Value, start: string, end: string): Reply | undefined {
  const operations = new MapOperations();
  const keyspace = new Keyspace({ operations: exclusive(operations), limits: DEFAULT_LIMITS });
  const command = STRING_COMMANDS.find(({ name }) => name === 'getrange');
  const call = command?.single?.(
    ['k', start, end].map((text) => Buffer.from(text)),
    keyspace,
  );
  return call?.kind === 'fetch' ? call.answer({ ok: true, entry: { value, version: 1 } }) : undefined;
}

it.each([
  ['1', '3', 'bcd'],
  ['-2', '-1', 'ef'],
  ['-100', '1', 'ab'],
  ['4', '9223372036854775807', 'ef'],
  ['-9223372036854775808', '1', 'ab'],
  ['0', '-1', 'abcdef'],
  ['0', '-100', 'a'],
  ['-100', '-200', ''],
  ['3', '1', ''],
  ['6', '9', ''],
])('GETRANGE from %s to %s is %j', (start, end, expected) => {
  expect(String(range(stringValue('abcdef'), start, end))).toBe(expected);
  const bytes = range(binaryValue(Buffer.from('abcdef')), start, end);
  expect(String(bytes)).toBe(expected);
});

it('GETRANGE of an empty value is empty', () => {
  expect(range(stringValue(''), '0', '-1')).toBe('');
});

it('GETRANGE returns a few bytes of a large value without the memory of the whole', () => {
  const bytes = range(LARGE, '0', '3');
  expect(bytes).toEqual(Buffer.from('éé'));
  expect(bytes instanceof Uint8Array && bytes.buffer.byteLength).toBeLessThan(100_000);
});
