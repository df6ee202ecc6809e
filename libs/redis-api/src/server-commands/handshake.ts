import { at, database, syntaxError, word, wrongArity } from '../arguments.js';
import type { ClientState, Command, CommandContext } from '../command.js';
import { MapReply, OK, RedisError, SimpleString, type Reply } from '../reply.js';
import { setName } from './client.js';
import { REDIS_VERSION } from './redis-version.js';

/** The commands with which a client begins and ends. */
export const HANDSHAKE_COMMANDS: readonly Command[] = [
  { name: 'auth', arity: -2, flags: ['noscript', 'loading', 'stale', 'fast', 'no_auth'], run: auth },
  { name: 'echo', arity: 2, flags: ['loading', 'stale', 'fast'], run: ([text]) => text ?? null },
  { name: 'hello', arity: -1, flags: ['noscript', 'loading', 'stale', 'fast', 'no_auth'], run: hello },
  { name: 'ping', arity: -1, flags: ['fast'], run: ping },
  {
    name: 'quit',
    arity: -1,
    flags: ['noscript', 'loading', 'stale', 'fast', 'no_auth'],
    inMulti: 'runs',
    run: quit,
  },
  {
    name: 'reset',
    arity: 1,
    flags: ['noscript', 'loading', 'stale', 'fast', 'no_auth'],
    inMulti: 'runs',
    run: reset,
  },
  { name: 'select', arity: 2, flags: ['loading', 'stale', 'fast'], run: select },
];

function ping(args: readonly Buffer[]): Reply {
  if (args.length > 1) return wrongArity('ping');
  return args[0] ?? PONG;
}

const PONG = new SimpleString('PONG');

function quit(_: readonly Buffer[], { client }: CommandContext): Reply {
  client.end();
  return OK;
}

function reset(_: readonly Buffer[], { client }: CommandContext): Reply {
  client.queue = undefined;
  client.watched.clear();
  client.protocol = 2;
  client.name = '';
  // CLIENT REPLY SKIP is about this reply.
  if (client.replies !== 'skip-next') client.replies = 'on';
  return RESET;
}

const RESET = new SimpleString('RESET');

function select(args: readonly Buffer[], { server }: CommandContext): Reply {
  if (database(at(args, 0)) === 0) return OK;
  const complaint = server.isCluster ? 'SELECT is not allowed in cluster mode' : 'DB index is out of range';
  return new RedisError('ERR', complaint);
}

/** There is only the user `default`, and it needs no password. */
function auth(args: readonly Buffer[]): Reply {
  if (args.length > 2) return syntaxError();
  if (args.length === 2) return isDefaultUser(args[0]) ? OK : WRONG_PASSWORD;
  return new RedisError(
    'ERR',
    'AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?',
  );
}

function hello(args: readonly Buffer[], { client, server }: CommandContext): Reply {
  const protocol = args.length === 0 ? client.protocol : protocolOf(args[0]);
  let name: Buffer | undefined;
  for (let i = 1; i < args.length; i++) {
    const option = word(at(args, i));
    if (option === 'auth' && i + 2 < args.length) {
      if (!isDefaultUser(args[i + 1])) return WRONG_PASSWORD;
      i += 2;
    } else if (option === 'setname' && i + 1 < args.length) {
      name = args[++i];
    } else {
      return new RedisError('ERR', `Syntax error in HELLO option '${at(args, i).toString('utf8', 0, 128)}'`);
    }
  }
  if (name !== undefined) setName(client, name);
  client.protocol = protocol;
  return new MapReply([
    ['server', 'redis'],
    ['version', REDIS_VERSION],
    ['proto', protocol],
    ['id', client.id],
    ['mode', server.isCluster ? 'cluster' : 'standalone'],
    ['role', 'master'],
    ['modules', []],
  ]);
}

function protocolOf(arg: Buffer | undefined): ClientState['protocol'] {
  const text = arg?.toString('latin1');
  if (text === '2') return 2;
  if (text === '3') return 3;
  if (/^-?\d{1,18}$/.test(text ?? '')) throw new RedisError('NOPROTO', 'unsupported protocol version');
  throw new RedisError('ERR', 'Protocol version is not an integer or out of range');
}

function isDefaultUser(user: Buffer | undefined): boolean {
  return user?.toString() === 'default';
}

const WRONG_PASSWORD = new RedisError('WRONGPASS', 'invalid username-password pair or user is disabled.');
