import type { Entry } from '@kvs/protocol';
import { at, word } from '../arguments.js';
import type { Command } from '../command.js';
import { RedisError, type Reply } from '../reply.js';
import { keep, reads, updates } from './one-key.js';
import { extraMs, hasPassed, readLife, type Life, type TimeKind } from './times.js';

// In Redis, these commands need no memory. Here they write the pair again, and its deadline takes 8 bytes.
const FLAGS = ['denyoom', 'fast'] as const;

const PERSIST = updates('persist', 2, FLAGS, () => (entry) => {
  if (entry?.ttlMs === undefined) return keep(0);
  return { kind: 'write', value: entry.value, result: 1 };
});

export const EXPIRY_COMMANDS: readonly Command[] = [
  expire('expire', { unit: 1000, isAbsolute: false }),
  expire('pexpire', { unit: 1, isAbsolute: false }),
  expire('expireat', { unit: 1000, isAbsolute: true }),
  expire('pexpireat', { unit: 1, isAbsolute: true }),
  tells('ttl', ({ ttlMs }) => inSeconds(ttlMs)),
  tells('pttl', ({ ttlMs }) => ttlMs),
  tells('expiretime', ({ expiresAtMs }) => inSeconds(expiresAtMs)),
  tells('pexpiretime', ({ expiresAtMs }) => expiresAtMs),
  PERSIST,
];

type Option = 'nx' | 'xx' | 'gt' | 'lt';

/** A time that has passed by any clock deletes the pair. Another is written, and the store takes the pair for absent if it has passed. */
function expire(name: string, kind: TimeKind): Command {
  return updates(name, -3, FLAGS, (args) => {
    const options = readOptions(args.slice(2));
    const life = readLife(at(args, 1), kind, name);
    return (entry) => {
      if (entry === null || ![...options].every((option) => allows(option, entry, life))) return keep(0);
      if (hasPassed(life)) return { kind: 'delete', result: 1 };
      return { kind: 'write', value: entry.value, ...life, result: 1 };
    };
  });
}

/** A pair without a time to live lives longer than any other. */
function allows(option: Option, entry: Entry, life: Life): boolean {
  switch (option) {
    case 'nx':
      return entry.ttlMs === undefined;
    case 'xx':
      return entry.ttlMs !== undefined;
    case 'gt':
      return extraMs(life, entry) > 0;
    case 'lt':
      return extraMs(life, entry) < 0;
  }
}

/** @throws RedisError */
function readOptions(args: readonly Buffer[]): ReadonlySet<Option> {
  const options = new Set<Option>();
  for (const argument of args) {
    const option = word(argument);
    if (option !== 'nx' && option !== 'xx' && option !== 'gt' && option !== 'lt')
      throw new RedisError('ERR', `Unsupported option ${argument.toString('utf8', 0, 128)}`);
    options.add(option);
  }
  if (options.has('nx') && options.size > 1)
    throw new RedisError('ERR', 'NX and XX, GT or LT options at the same time are not compatible');
  if (options.has('gt') && options.has('lt'))
    throw new RedisError('ERR', 'GT and LT options at the same time are not compatible');
  return options;
}

/** Makes a command that tells when a pair expires: -2 for an absent key, -1 for a pair that does not expire. */
function tells(name: string, timeOf: (entry: Entry) => number | undefined): Command {
  return reads(name, 2, (entry): Reply => (entry === null ? -2 : (timeOf(entry) ?? -1)));
}

function inSeconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.floor((ms + 500) / 1000);
}
