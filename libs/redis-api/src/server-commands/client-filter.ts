import type { ClientState, ServerView } from '../command.js';
import { RedisError } from '../reply.js';
import { integerOf, syntaxError, wordOf } from './arguments.js';

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
  for (let at = 0; at < args.length; at += 2) {
    const name = wordOf(args[at]);
    if (name === 'SKIPME') skipsSelf = yesOrNo(args[at + 1]);
    else filters.push(filterOf(name, args[at + 1]));
  }
  return Array.from(server.clients.values()).filter(
    (client) => !(skipsSelf && client === self) && filters.every((selects) => selects(client)),
  );
}

function filterOf(name: string, value: Buffer | undefined): (client: ClientState) => boolean {
  const text = value?.toString() ?? '';
  switch (name) {
    case 'ID': {
      const id = integerOf(value);
      return (client) => client.id === id;
    }
    case 'ADDR':
      return ({ address }) => address === text;
    case 'LADDR':
      return ({ localAddress }) => localAddress === text;
    case 'TYPE':
      return () => text.toLowerCase() === 'normal';
    case 'USER':
      if (text === 'default') return () => true;
      throw new RedisError('ERR', `No such user '${text.slice(0, 128)}'`);
    default:
      throw syntaxError();
  }
}

function yesOrNo(value: Buffer | undefined): boolean {
  const word = wordOf(value);
  if (word !== 'YES' && word !== 'NO') throw syntaxError();
  return word === 'YES';
}
