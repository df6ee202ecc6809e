import { at, number, syntaxError, word } from '../arguments.js';
import type { ClientState, ServerView } from '../command.js';
import { RedisError } from '../reply.js';

/**
 * Returns the clients that all filters of CLIENT KILL select, such as `ID 7` or `ADDR 127.0.0.1:5000`.
 *
 * @throws RedisError
 */
export function matchingClients(
  args: readonly Buffer[],
  self: ClientState,
  server: ServerView,
): ClientState[] {
  if (args.length % 2 === 1) throw syntaxError();
  let skipsSelf = true;
  const filters: ((client: ClientState) => boolean)[] = [];
  for (let i = 0; i < args.length; i += 2) {
    const name = word(at(args, i));
    if (name === 'skipme') skipsSelf = yesOrNo(at(args, i + 1));
    else filters.push(filterOf(name, at(args, i + 1)));
  }
  return Array.from(server.clients.values()).filter(
    (client) => !(skipsSelf && client === self) && filters.every((selects) => selects(client)),
  );
}

function filterOf(name: string, value: Buffer): (client: ClientState) => boolean {
  const text = value.toString();
  switch (name) {
    case 'id': {
      const complaint = 'client-id should be greater than 0';
      const id = number(value, complaint);
      if (id < 1) throw new RedisError('ERR', complaint);
      return (client) => client.id === id;
    }
    case 'addr':
      return ({ address }) => address === text;
    case 'laddr':
      return ({ localAddress }) => localAddress === text;
    case 'type': {
      const isNormal = isNormalType(text);
      return () => isNormal;
    }
    case 'user':
      if (text === 'default') return () => true;
      throw new RedisError('ERR', `No such user '${text.slice(0, 128)}'`);
    default:
      throw syntaxError();
  }
}

/**
 * Returns whether a type of clients is that of all clients of kvs.
 *
 * @throws RedisError if Redis has no such type either
 */
export function isNormalType(type: string): boolean {
  if (TYPES.has(type.toLowerCase())) return type.toLowerCase() === 'normal';
  throw new RedisError('ERR', `Unknown client type '${type.slice(0, 128)}'`);
}

const TYPES: ReadonlySet<string> = new Set(['normal', 'master', 'replica', 'slave', 'pubsub']);

function yesOrNo(value: Buffer): boolean {
  const answer = word(value);
  if (answer !== 'yes' && answer !== 'no') throw syntaxError();
  return answer === 'yes';
}
