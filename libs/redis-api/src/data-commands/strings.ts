import { keyId, lifeOf, whenDone, type KeyId, type SetItem } from '@kvs/protocol';
import { at, number, syntaxError, word, wrongArity } from '../arguments.js';
import type { Command } from '../command.js';
import { bytesOf, checkValueBytes, lengthOf } from '../keyspace/data.js';
import type { Keyspace } from '../keyspace/index.js';
import { OK, RedisError, type Reply } from '../reply.js';
import { keep, reads, updates } from './one-key.js';
import { oldValue } from './set.js';
import { hasPassed, readPositiveLife, TIME_OPTIONS, type TimeKind } from './times.js';

const GET = reads('get', 2, oldValue);

/** GETEX without options only reads. With options, it writes the pair again, and so needs memory, unlike in Redis. */
const GETEX = updates('getex', -2, ['denyoom', 'fast'], (args) => {
  const option = readGetExOption(args.slice(1));
  return (entry) => {
    const result = oldValue(entry);
    if (entry === null || option === undefined) return keep(result);
    // Redis looks at the time only if there is a pair.
    const life = option.kind && readPositiveLife(option.argument, option.kind, 'getex');
    if (life === undefined && entry.ttlMs === undefined) return keep(result);
    if (life && hasPassed(life)) return { kind: 'delete', result };
    return { kind: 'write', value: entry.value, ...life, result };
  };
});

const APPEND = updates('append', 3, ['denyoom', 'fast'], (args, keyspace) => (entry) => {
  const old = entry === null ? EMPTY : bytesOf(entry.value);
  checkValueBytes(old.length + at(args, 1).length, keyspace.limits.maxValueBytes);
  const bytes = Buffer.concat([old, at(args, 1)]);
  return { kind: 'write', value: keyspace.value(bytes), ...lifeOf(entry), result: bytes.length };
});

const SETRANGE = updates('setrange', 4, ['denyoom'], (args, keyspace) => {
  const offset = number(at(args, 1));
  const chunk = at(args, 2);
  if (offset < 0) throw new RedisError('ERR', 'offset is out of range');
  return (entry) => {
    const old = entry === null ? EMPTY : bytesOf(entry.value);
    if (chunk.length === 0) return keep(old.length);
    const length = Math.max(old.length, offset + chunk.length);
    checkValueBytes(length, keyspace.limits.maxValueBytes);
    const bytes = Buffer.alloc(length);
    bytes.set(old);
    bytes.set(chunk, offset);
    return { kind: 'write', value: keyspace.value(bytes), ...lifeOf(entry), result: length };
  };
});

function getRange(name: string): Command {
  return reads(name, 4, (entry, args) => {
    const start = number(at(args, 1));
    const end = number(at(args, 2));
    if (entry === null || (start < 0 && end < 0 && start > end)) return '';
    const length = lengthOf(entry.value);
    const from = Math.max(start < 0 ? length + start : start, 0);
    const to = Math.min(Math.max(end < 0 ? length + end : end, 0), length - 1);
    if (from > to) return '';
    const bytes = bytesOf(entry.value).subarray(from, to + 1);
    // A copy, so that a small part doesn't retain the whole value until a transaction ends.
    return bytes.length === length ? bytes : Buffer.from(bytes);
  });
}

const MGET: Command = {
  name: 'mget',
  arity: -2,
  flags: ['readonly', 'fast'],
  keys: { first: 1, last: -1, step: 1 },
  run: (args, { keyspace }) => {
    const keys = args.map((key) => keyspace.key(key));
    return whenDone(keyspace.getAll(keys), (entries) => entries.map(oldValue));
  },
};

const MSET: Command = {
  name: 'mset',
  arity: -3,
  flags: ['write', 'denyoom'],
  keys: { first: 1, last: -1, step: 2 },
  run: (args, { keyspace }) => {
    const items = pairsOf('mset', args, keyspace);
    const keys = items.map(({ key }) => key);
    return keyspace.exclusively(keys, (own) => whenDone(own.set(items), () => OK));
  },
};

const MSETNX: Command = {
  ...MSET,
  name: 'msetnx',
  run: (args, { keyspace }) => {
    const items = pairsOf('msetnx', args, keyspace);
    const keys = items.map(({ key }) => key);
    return keyspace.exclusively(keys, (own) =>
      whenDone(own.has(keys), (present): Reply | Promise<Reply> =>
        present.includes(true) ? 0 : whenDone(own.setAllIfAbsent(items), (isDone) => (isDone ? 1 : 0)),
      ),
    );
  },
};

export const STRING_COMMANDS: readonly Command[] = [
  GET,
  GETEX,
  updates('getdel', 2, ['fast'], () => (entry) => ({ kind: 'delete', result: oldValue(entry) })),
  reads('strlen', 2, (entry) => (entry === null ? 0 : lengthOf(entry.value))),
  getRange('getrange'),
  getRange('substr'),
  APPEND,
  SETRANGE,
  MGET,
  MSET,
  MSETNX,
];

/** Returns the last time with its option, or PERSIST without a time. An option can only be repeated by itself. */
function readGetExOption(options: readonly Buffer[]) {
  let chosen:
    { readonly name: string; readonly kind: TimeKind | undefined; readonly argument: Buffer } | undefined;
  for (let i = 0; i < options.length; i++) {
    const name = word(at(options, i));
    const kind = TIME_OPTIONS.get(name);
    if ((kind === undefined && name !== 'persist') || (chosen?.name ?? name) !== name) throw syntaxError();
    if (kind !== undefined) i++;
    const argument = options[i];
    if (argument === undefined) throw syntaxError();
    chosen = { name, kind, argument };
  }
  return chosen;
}

/** Returns one pair for each key. The last value of a key that comes twice counts. */
function pairsOf(name: string, args: readonly Buffer[], keyspace: Keyspace): SetItem[] {
  if (args.length % 2 !== 0) throw wrongArity(name);
  const items = new Map<KeyId, SetItem>();
  for (let i = 0; i < args.length; i += 2) {
    const key = keyspace.key(at(args, i));
    items.set(keyId(key), { key, value: keyspace.value(at(args, i + 1)) });
  }
  return [...items.values()];
}

const EMPTY = Buffer.alloc(0);
