import { lifeOf, type Change, type Entry, type Key, type SetItem, type Value } from '@kvs/protocol';
import { at, syntaxError, word } from '../arguments.js';
import type { Command } from '../command.js';
import { bulkOf, bytesOf } from '../keyspace/data.js';
import { runCall, type Keyspace, type SingleCall } from '../keyspace/index.js';
import { wasMet } from '../keyspace/keyspace.js';
import { OK, type Reply } from '../reply.js';
import { calls, FIRST_KEY, keep, updates } from './one-key.js';
import { readPositiveLife, TIME_OPTIONS, type Life, type TimeKind } from './times.js';

type SetCall = SingleCall<'set'>;

/** The options of a SET. */
interface SetOptions {
  readonly condition?: 'nx' | 'xx' | undefined;
  /** The value that the pair must have. */
  readonly equal?: Buffer | undefined;
  readonly getsOld: boolean;
  readonly keepsLife: boolean;
  readonly life?: Life | undefined;
}

const NO_OPTIONS: SetOptions = { getsOld: false, keepsLife: false };

/** SET writes at once if it need not know the present pair, or only whether there is one. */
const SET: Command = {
  name: 'set',
  arity: -3,
  flags: ['write', 'denyoom'],
  keys: FIRST_KEY,
  single: (args, keyspace) => plainSet(args, keyspace, args.length === 2 ? NO_OPTIONS : readOptions(args)),
  run: (args, { keyspace }) => {
    const options = readOptions(args);
    const plain = plainSet(args, keyspace, options);
    if (plain !== undefined) return runCall(plain, keyspace);
    const key = keyspace.key(at(args, 0));
    const value = keyspace.value(at(args, 1));
    return keyspace.update(key, (entry) => setChange(entry, value, options));
  },
};

export const SET_COMMANDS: readonly Command[] = [
  SET,
  setter('setnx', 3, (key, value) => ({
    kind: 'set',
    item: { key, value, ifVersion: 0 },
    answer: (outcome) => (wasMet(outcome) ? 1 : 0),
  })),
  setterWithTime('setex', { unit: 1000, isAbsolute: false }),
  setterWithTime('psetex', { unit: 1, isAbsolute: false }),
  updates('getset', 3, ['denyoom', 'fast'], (args, keyspace) => {
    const value = keyspace.value(at(args, 1));
    return (entry) => ({ kind: 'write', value, result: oldValue(entry) });
  }),
];

/** Returns the value as a bulk string, null for an absent key. */
export function oldValue(entry: Entry | null): Reply {
  return entry === null ? null : bulkOf(entry.value);
}

/** Returns undefined if the write depends on more than the presence of the pair. */
function plainSet(args: readonly Buffer[], keyspace: Keyspace, options: SetOptions): SetCall | undefined {
  const { condition, equal, getsOld, keepsLife, life } = options;
  if (getsOld || keepsLife || condition === 'xx' || equal !== undefined) return undefined;
  const pair = { key: keyspace.key(at(args, 0)), value: keyspace.value(at(args, 1)), ...life };
  const item: SetItem = condition === 'nx' ? { ...pair, ifVersion: 0 } : pair;
  return { kind: 'set', item, answer: (outcome) => (wasMet(outcome) ? OK : null) };
}

function setChange(entry: Entry | null, value: Value, options: SetOptions): Change<Reply> {
  const { condition, equal, getsOld, keepsLife, life } = options;
  const holds =
    (condition !== 'nx' || entry === null) &&
    (condition !== 'xx' || entry !== null) &&
    (equal === undefined || (entry !== null && bytesOf(entry.value).equals(equal)));
  const old = oldValue(entry);
  if (!holds) return keep(getsOld ? old : null);
  const kept = keepsLife ? lifeOf(entry) : life;
  return { kind: 'write', value, ...kept, result: getsOld ? old : OK };
}

/** @throws RedisError */
function readOptions(args: readonly Buffer[]): SetOptions {
  let condition: SetOptions['condition'];
  let equal: Buffer | undefined;
  let time: { readonly name: string; readonly argument: Buffer; readonly kind: TimeKind } | undefined;
  let getsOld = false;
  let keepsLife = false;
  for (let i = 2; i < args.length; i++) {
    const name = word(at(args, i));
    const next = args[i + 1];
    const kind = TIME_OPTIONS.get(name);
    if ((name === 'nx' || name === 'xx') && (condition ?? name) === name && equal === undefined)
      condition = name;
    else if (name === 'get') getsOld = true;
    else if (name === 'keepttl' && time === undefined) keepsLife = true;
    else if (name === 'ifeq' && condition === undefined && next !== undefined) {
      equal = next;
      i++;
    } else if (kind && next !== undefined && !keepsLife && (time?.name ?? name) === name) {
      time = { name, argument: next, kind };
      i++;
    } else throw syntaxError();
  }
  const life = time && readPositiveLife(time.argument, time.kind, 'set');
  return { condition, equal, getsOld, keepsLife, life };
}

function setter(
  name: string,
  arity: number,
  call: (key: Key, value: Value, args: readonly Buffer[]) => SetCall,
): Command {
  return calls(name, arity, ['write', 'denyoom'], (args, keyspace) =>
    call(keyspace.key(at(args, 0)), keyspace.value(at(args, arity - 2)), args),
  );
}

function setterWithTime(name: string, kind: TimeKind): Command {
  return setter(name, 4, (key, value, args) => ({
    kind: 'set',
    item: { key, value, ...readPositiveLife(at(args, 1), kind, name) },
    answer: (outcome) => (wasMet(outcome) ? OK : null),
  }));
}
