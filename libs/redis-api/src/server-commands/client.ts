import { at, number, syntaxError, word } from '../arguments.js';
import type { ClientState, Command, CommandContext, ServerView } from '../command.js';
import { OK, RedisError, Verbatim, type Reply } from '../reply.js';
import { isNormalType, matchingClients } from './client-filter.js';
import { commandOf } from '../subcommands.js';

/** CLIENT: what a client sets on its connection, and the connections of this process. */
export const CLIENT_COMMAND: Command = commandOf('client', ['noscript', 'loading', 'stale'], {
  getname: { arity: 2, run: (_, { client }) => client.name || null },
  id: { arity: 2, run: (_, { client }) => client.id },
  info: { arity: 2, run: (_, { client }) => new Verbatim(`${describeClient(client)}\n`) },
  kill: { arity: -3, run: kill },
  list: { arity: -2, run: list },
  'no-evict': { arity: 3, run: onOrOff },
  'no-touch': { arity: 3, run: onOrOff },
  reply: { arity: 3, run: reply },
  setinfo: { arity: 4, run: setInfo },
  setname: {
    arity: 3,
    run([name = NOTHING], { client }) {
      setName(client, name);
      return OK;
    },
  },
});

/** @throws RedisError if the name has a character that would break CLIENT LIST */
export function setName(client: ClientState, name: Buffer): void {
  client.name = checkedText(name, 'Client names cannot contain spaces, newlines or special characters.');
}

function setInfo([name, value = NOTHING]: readonly Buffer[], { client }: CommandContext): Reply {
  const attribute = name?.toString().toLowerCase();
  const complaint = `${attribute} cannot contain spaces, newlines or special characters.`;
  if (attribute === 'lib-name') client.libraryName = checkedText(value, complaint);
  else if (attribute === 'lib-ver') client.libraryVersion = checkedText(value, complaint);
  else return new RedisError('ERR', `Unrecognized option '${name?.toString('utf8', 0, 128)}'`);
  return OK;
}

function checkedText(bytes: Buffer, complaint: string): string {
  if (bytes.length > MAX_TEXT_BYTES)
    throw new RedisError('ERR', `names and versions of clients have at most ${MAX_TEXT_BYTES} bytes`);
  const text = bytes.toString('latin1');
  if (/^[!-~]*$/.test(text)) return text;
  throw new RedisError('ERR', complaint);
}

function reply(args: readonly Buffer[], { client }: CommandContext): Reply {
  switch (word(at(args, 0))) {
    case 'on':
      client.replies = 'on';
      return OK;
    case 'off':
      client.replies = 'off';
      return OK;
    case 'skip':
      if (client.replies !== 'off') client.replies = 'skip';
      return OK;
    default:
      return syntaxError();
  }
}

/** Connections are never closed to free memory, and each read of a key counts as use, so neither mode changes anything. */
function onOrOff(args: readonly Buffer[]): Reply {
  return ['on', 'off'].includes(word(at(args, 0))) ? OK : syntaxError();
}

function list(args: readonly Buffer[], { keyspace, server }: CommandContext): Reply {
  const clients = args.length === 0 ? [...server.clients.values()] : listed(args, server);
  const { maxAnswerBytes } = keyspace.limits;
  let text = '';
  for (const client of clients) {
    text += `${describeClient(client)}\n`;
    if (text.length > maxAnswerBytes)
      throw new RedisError(
        'ERR',
        `the list has more than ${maxAnswerBytes} bytes; ask for some clients by ID`,
      );
  }
  return new Verbatim(text);
}

function listed(args: readonly Buffer[], { clients }: ServerView): ClientState[] {
  const option = word(at(args, 0));
  if (option === 'id' && args.length > 1) {
    const ids = new Set(args.slice(1).map((id) => number(id, 'Invalid client ID')));
    return [...ids].flatMap((id) => clients.get(id) ?? []);
  }
  const type = args[1]?.toString();
  if (option !== 'type' || type === undefined || args.length > 2) throw syntaxError();
  return isNormalType(type) ? [...clients.values()] : [];
}

function kill(args: readonly Buffer[], { client, server }: CommandContext): Reply {
  const [address] = args;
  const isOldForm = args.length === 1;
  const victims = isOldForm
    ? [...server.clients.values()].filter((each) => each.address === address?.toString())
    : matchingClients(args, client, server);
  for (const victim of victims) {
    if (victim === client) victim.end();
    else victim.destroy();
  }
  if (!isOldForm) return victims.length;
  return victims.length > 0 ? OK : new RedisError('ERR', 'No such client');
}

/** Returns a line of CLIENT LIST with all fields of Redis 7.0 in its order, because libraries read them without a check. */
function describeClient(client: ClientState): string {
  const nowMs = performance.now();
  const seconds = (sinceMs: number): number => Math.floor((nowMs - sinceMs) / 1000);
  return [
    `id=${client.id}`,
    `addr=${client.address}`,
    `laddr=${client.localAddress}`,
    'fd=0',
    `name=${client.name}`,
    `age=${seconds(client.sinceMs)}`,
    `idle=${seconds(client.lastBytesMs)}`,
    `flags=${client.queue === undefined ? 'N' : 'x'}`,
    'db=0',
    'sub=0',
    'psub=0',
    'ssub=0',
    `multi=${client.queue?.length ?? -1}`,
    ...NOT_MEASURED.map((name) => `${name}=0`),
    'events=r',
    `cmd=${client.lastCommand || 'NULL'}`,
    'user=default',
    'redir=-1',
    `resp=${client.protocol}`,
    `lib-name=${client.libraryName}`,
    `lib-ver=${client.libraryVersion}`,
  ].join(' ');
}

const NOTHING = Buffer.alloc(0);
/** Sizes of the buffers of Redis. */
const NOT_MEASURED = 'qbuf qbuf-free argv-mem multi-mem rbs rbp obl oll omem tot-mem'.split(' ');
/** Nothing counts names, so they are short. */
const MAX_TEXT_BYTES = 1024;
