import type { MaybePromise } from '@kvs/protocol';
import type { Command, CommandContext, CommandFlag } from '../command.js';
import { hasArity, wrongArity } from '../connection/command-table.js';
import { RedisError, type Reply } from '../reply.js';

/** A part of a command that has several, such as CLIENT SETNAME. */
export interface Subcommand {
  /** As Redis counts: with both names. */
  readonly arity: number;
  /** @param args the arguments after both names */
  run(args: readonly Buffer[], context: CommandContext): MaybePromise<Reply>;
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
  const byName = new Map(Object.entries(subcommands));
  return {
    name,
    arity: alone === undefined ? -2 : -1,
    flags,
    run(args, context) {
      const [first, ...rest] = args;
      if (first === undefined) return alone?.(args, context) ?? wrongArity(name);
      const word = first.toString().toLowerCase();
      const subcommand = byName.get(word);
      if (subcommand === undefined && rest.length === 0 && word === 'help') {
        const known = Array.from(byName.keys(), (each) => each.toUpperCase());
        return [`${name.toUpperCase()} <subcommand>, one of:`, ...known, 'HELP'];
      }
      if (subcommand === undefined) {
        const shown = first.toString('utf8', 0, MAX_SHOWN_BYTES);
        return new RedisError('ERR', `unknown subcommand '${shown}'. Try ${name.toUpperCase()} HELP.`);
      }
      if (!hasArity(subcommand.arity, args.length)) return wrongArity(`${name}|${word}`);
      return subcommand.run(rest, context);
    },
  };
}

const MAX_SHOWN_BYTES = 128;
