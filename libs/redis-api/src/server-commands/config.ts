import type { Command } from '../command.js';
import { MapReply, OK, RedisError, type Reply } from '../reply.js';
import { commandOf } from './subcommands.js';

/** CONFIG: the settings of Redis that clients ask for, as they are in kvs. None can be changed. */
export const CONFIG_COMMAND: Command = commandOf('config', ['admin', 'noscript', 'loading', 'stale'], {
  get: { arity: -3, run: get },
  set: { arity: -4, run: set },
});

const SETTINGS: ReadonlyMap<string, string> = new Map([
  ['appendonly', 'no'],
  ['cluster-require-full-coverage', 'no'],
  ['databases', '1'],
  ['maxmemory', '0'],
  ['maxmemory-policy', 'noeviction'],
  ['notify-keyspace-events', ''],
  ['requirepass', ''],
  ['save', ''],
  ['timeout', '0'],
]);

function get(patterns: readonly Buffer[]): Reply {
  const matches = patterns.map(matcherOf);
  const found = Array.from(SETTINGS).filter(([name]) => matches.some((isMatch) => isMatch(name)));
  return new MapReply(found);
}

/** Returns a test for a pattern in which `*` stands for any text. It takes linear time. */
function matcherOf(pattern: Buffer): (name: string) => boolean {
  const [first = '', ...others] = pattern.toString().toLowerCase().split('*');
  const last = others.pop();
  if (last === undefined) return (name) => name === first;
  return (name) => {
    let at = name.startsWith(first) ? first.length : -1;
    for (const part of others) {
      const found = at === -1 ? -1 : name.indexOf(part, at);
      at = found === -1 ? -1 : found + part.length;
    }
    return at !== -1 && name.endsWith(last) && name.length - last.length >= at;
  };
}

/** Setting what is set already is allowed, so that clients which make sure of a setting go on. */
function set(args: readonly Buffer[]): Reply {
  for (let at = 0; at < args.length; at += 2) {
    const name = args[at]?.toString().toLowerCase() ?? '';
    const present = SETTINGS.get(name);
    if (present === undefined || at + 1 === args.length)
      return new RedisError(
        'ERR',
        `Unknown option or number of arguments for CONFIG SET - '${name.slice(0, 128)}'`,
      );
    if (present !== args[at + 1]?.toString())
      return new RedisError(
        'ERR',
        `CONFIG SET failed (possibly related to argument '${name}') - can't set immutable config`,
      );
  }
  return OK;
}
