import { hasArity, wrongArity } from '../arguments.js';
import type { Command, Commands } from '../command.js';
import { RedisError } from '../reply.js';
import type { Request } from '../resp/request-reader.js';

/** The commands of a server by name, in whatever case a client writes it. */
export class CommandTable implements Commands {
  readonly #commands: readonly Command[];
  readonly #byName = new Map<string, Command>();

  constructor(commands: readonly Command[]) {
    this.#commands = commands;
    for (const command of commands) {
      this.#byName.set(command.name, command);
      this.#byName.set(command.name.toUpperCase(), command);
    }
  }

  [Symbol.iterator](): Iterator<Command> {
    return this.#commands[Symbol.iterator]();
  }

  named(name: string): Command | undefined {
    return this.#byName.get(name) ?? this.#byName.get(name.toLowerCase());
  }

  /** Returns the command of a request, or the error if there is none, or if its arguments are refused at once. O(1). */
  find({ name, args }: Request): Command | RedisError {
    const command = this.named(name);
    if (command === undefined) return unknownCommand(name, args);
    if (!hasArity(command.arity, args.length)) return wrongArity(command.name);
    return command.refusal?.(args) ?? command;
  }
}

function unknownCommand(name: string, args: readonly Buffer[]): RedisError {
  let shown = '';
  for (const arg of args) {
    if (shown.length >= MAX_SHOWN_ARGUMENTS) break;
    shown += `'${arg.toString('utf8', 0, MAX_SHOWN_ARGUMENTS - shown.length)}' `;
  }
  return new RedisError('ERR', `unknown command '${name}', with args beginning with: ${shown}`);
}

const MAX_SHOWN_ARGUMENTS = 128;
