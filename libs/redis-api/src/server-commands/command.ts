import { at, hasArity, syntaxError, word } from '../arguments.js';
import { keysOf, type Command, type CommandContext } from '../command.js';
import { checkPatterns, Glob } from '../glob.js';
import { RedisError, SetReply, SimpleString, type Reply } from '../reply.js';
import { commandOf } from '../subcommands.js';

/**
 * COMMAND: which commands there are. Without COMMAND DOCS, redis-cli shows its own help and hints; from an empty reply it would
 * conclude that there are none.
 */
export const COMMAND_COMMAND: Command = commandOf(
  'command',
  ['loading', 'stale'],
  {
    count: { arity: 2, run: (_, { server }) => [...server.commands].length },
    getkeys: { arity: -4, run: getKeys },
    info: {
      arity: -2,
      run: (args, context) => (args.length === 0 ? all(context) : args.map((name) => infoOf(name, context))),
    },
    list: { arity: -2, run: list },
  },
  (_, context) => all(context),
);

function all({ server }: CommandContext): Reply {
  return Array.from(server.commands, describe);
}

function infoOf(name: Buffer, { server }: CommandContext): Reply {
  const command = server.commands.named(name.toString());
  return command === undefined ? null : describe(command);
}

/** Returns name, arity, flags, keys, and what is left empty: categories, tips, more about keys, and subcommands. */
function describe({ name, arity, flags, keys }: Command): Reply {
  const { first, last, step } = keys ?? { first: 0, last: 0, step: 0 };
  const flagSet = new SetReply(flags.map((flag) => new SimpleString(flag)));
  return [name, arity, flagSet, first, last, step, EMPTY_SET, EMPTY_SET, EMPTY_SET, EMPTY_SET];
}

/** No command of kvs is of a module, or has a category of access control. */
function list(filter: readonly Buffer[], { keyspace, server }: CommandContext): Reply {
  const names = [...server.commands].flatMap(({ name, subcommands = [] }) => [
    name,
    ...subcommands.map((subcommand) => `${name}|${subcommand}`),
  ]);
  if (filter.length === 0) return names;
  if (filter.length !== 3 || word(at(filter, 0)) !== 'filterby') return syntaxError();
  switch (word(at(filter, 1))) {
    case 'module':
    case 'aclcat':
      return [];
    case 'pattern': {
      checkPatterns(filter.slice(2), keyspace.limits);
      const glob = new Glob(Buffer.from(word(at(filter, 2)), 'latin1'));
      return names.filter((name) => glob.matches(Buffer.from(name)));
    }
    default:
      return syntaxError();
  }
}

function getKeys([name, ...args]: readonly Buffer[], { server }: CommandContext): Reply {
  const command = name && server.commands.named(name.toString());
  if (command === undefined) return new RedisError('ERR', 'Invalid command specified');
  if (command.keys === undefined) return new RedisError('ERR', 'The command has no key arguments');
  const keys = hasArity(command.arity, args.length) ? keysOf(command, args) : [];
  return keys.length > 0 ? keys : new RedisError('ERR', 'Invalid number of arguments specified for command');
}

const EMPTY_SET = new SetReply([]);
