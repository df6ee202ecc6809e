import type { MaybePromise } from '@kvs/protocol';
import { hasArity, wrongArity } from './arguments.js';
import type { Command, CommandContext, CommandFlag } from './command.js';
import { RedisError, SimpleString, type Reply } from './reply.js';

/** A part of a command that has several, such as CLIENT SETNAME. */
export interface Subcommand {
  /** As Redis counts: with both names. */
  readonly arity: number;
  /** Set if it reads pairs although its command is not `readonly`. */
  readonly readsPairs?: true;
  /** @param args the arguments after both names */
  readonly run: (args: readonly Buffer[], context: CommandContext) => MaybePromise<Reply>;
}

/**
 * Returns a command that consists of subcommands.
 *
 * @param subcommands by their names in lower case
 * @param alone what the command does without a subcommand; undefined if it needs one
 */
export function commandOf(
  name: string,
  flags: readonly CommandFlag[],
  subcommands: Readonly<Record<string, Subcommand>>,
  alone?: Command['run'],
): Command {
  const help: Subcommand = {
    arity: 2,
    run: () => [
      new SimpleString(`${name.toUpperCase()} <subcommand>, one of:`),
      ...Array.from(byName.keys(), (each) => new SimpleString(each.toUpperCase())),
    ],
  };
  const byName: ReadonlyMap<string, Subcommand> = new Map([...Object.entries(subcommands), ['help', help]]);
  const find = (args: readonly Buffer[]): Subcommand['run'] | RedisError => {
    const [first] = args;
    if (first === undefined) return alone ?? wrongArity(name);
    const word = first.toString().toLowerCase();
    const subcommand = byName.get(word);
    if (subcommand !== undefined)
      return hasArity(subcommand.arity, args.length) ? subcommand.run : wrongArity(`${name}|${word}`);
    const shown = first.toString('utf8', 0, MAX_SHOWN_BYTES);
    return new RedisError('ERR', `unknown subcommand '${shown}'. Try ${name.toUpperCase()} HELP.`);
  };
  return {
    name,
    arity: alone === undefined ? -2 : -1,
    flags,
    subcommands: [...byName.keys()],
    fullName: ([first]) => {
      const word = first?.toString().toLowerCase() ?? '';
      return byName.has(word) ? `${name}|${word}` : name;
    },
    readsPairs: ([first]) => byName.get(first?.toString().toLowerCase() ?? '')?.readsPairs === true,
    refusal(args) {
      const found = find(args);
      return found instanceof RedisError ? found : undefined;
    },
    run(args, context) {
      const found = find(args);
      return found instanceof RedisError ? found : found(args.slice(1), context);
    },
  };
}

const MAX_SHOWN_BYTES = 128;
