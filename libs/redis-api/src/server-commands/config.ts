import { syntaxError } from '../arguments.js';
import type { Command, CommandContext, MemoryLimit } from '../command.js';
import { MapReply, OK, RedisError, type Reply } from '../reply.js';
import { checkPatterns, Glob } from '../glob.js';
import { commandOf } from '../subcommands.js';

/** CONFIG: the settings of Redis that clients ask for, as they are in kvs. None can be changed. */
export const CONFIG_COMMAND: Command = commandOf('config', ['admin', 'noscript', 'loading', 'stale'], {
  get: { arity: -3, run: get },
  resetstat: {
    arity: 2,
    run(_, { server }) {
      server.resetTotals();
      return OK;
    },
  },
  set: { arity: -4, run: set },
});

const SETTINGS: ReadonlyMap<string, string> = new Map([
  ['appendonly', 'no'],
  ['cluster-require-full-coverage', 'no'],
  ['databases', '1'],
  ['notify-keyspace-events', ''],
  ['requirepass', ''],
  ['save', ''],
  ['timeout', '0'],
]);

/** The limit of memory in the words of Redis, whose policies are others. The nearest one stands for those of kvs. */
export function memorySettings({ maxBytes, evicts }: MemoryLimit) {
  return { maxmemory: maxBytes, maxmemory_policy: evicts ? 'allkeys-lru' : 'noeviction' };
}

function settingsOf({ client, keyspace, server }: CommandContext): ReadonlyMap<string, string> {
  const { maxmemory, maxmemory_policy } = memorySettings(server.memory);
  return new Map([
    ...SETTINGS,
    ['maxclients', String(server.maxClients)],
    ['maxmemory', String(maxmemory)],
    ['maxmemory-policy', maxmemory_policy],
    ['port', client.localAddress.slice(client.localAddress.lastIndexOf(':') + 1)],
    ['proto-max-bulk-len', String(keyspace.limits.maxValueBytes)],
  ]);
}

function get(patterns: readonly Buffer[], context: CommandContext): Reply {
  checkPatterns(patterns, context.keyspace.limits);
  const globs = patterns.map((pattern) => new Glob(Buffer.from(pattern.toString().toLowerCase())));
  const found = Array.from(settingsOf(context)).filter(([name]) =>
    globs.some((glob) => glob.matches(Buffer.from(name))),
  );
  return new MapReply(found);
}

/** Setting what is set already is allowed, so that clients which make sure of a setting go on. */
function set(args: readonly Buffer[], context: CommandContext): Reply {
  if (args.length % 2 === 1) return syntaxError();
  const settings = settingsOf(context);
  for (let at = 0; at < args.length; at += 2) {
    const name = args[at]?.toString().toLowerCase() ?? '';
    const present = settings.get(name);
    if (present === undefined)
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
