import { readFileSync } from 'node:fs';
import { isRecord } from '@kvs/protocol';
import { Command, CommanderError, Option } from 'commander';
import type { OptionDefinition, OptionDefinitions, Values } from './options.js';
import { usageError } from './start-error.js';

/** A positional argument, as data. */
export interface ArgumentDefinition<T> {
  /** `<host>` is required; `[nodes...]` are any number of words. */
  readonly syntax: string;
  readonly description: string;
  /** @throws InvalidArgumentError */
  parse(text: string, before: T): T;
}

/** The arguments of a command in their order, by name. */
export type ArgumentDefinitions = Readonly<Record<string, ArgumentDefinition<unknown>>>;

/** A command with its arguments and options, as data. */
export interface CommandDefinition<A extends ArgumentDefinitions, O extends OptionDefinitions> {
  /** Such as `kvs-proxy`. */
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly arguments: A;
  readonly options: O;
}

/** The values that a command line and the environment give. */
export interface ParsedCommand<A, O> {
  /** Returns an argument as its `parse` returned it. Without words, `[name...]` is an empty array. */
  argument<K extends keyof A & string>(name: K): Values<A>[K];
  readonly options: Values<O>;
  /** Returns whether the command line or the environment gives the option. */
  isGiven(option: string): boolean;
}

/** An option as documentation shows it. */
export interface OptionDescription extends Pick<
  OptionDefinition<unknown>,
  'group' | 'description' | 'unit' | 'choices'
> {
  /** The name of the setting, such as `maxKeyBytes`. */
  readonly name: string;
  /** Such as `--max-key-bytes`. */
  readonly flag: string;
  /** The placeholder of the value; undefined for a flag without a value. */
  readonly value: string | undefined;
  /** The environment variable. */
  readonly variable: string;
  /** Undefined if the option has no default, as a flag that is off. */
  readonly default: string | undefined;
}

/** Returns the options of a command in the order of its help. */
export function describeOptions(options: OptionDefinitions): OptionDescription[] {
  return Object.entries(options).map(([name, definition]) => {
    const { group, description, value, unit, choices } = definition;
    return {
      name,
      flag: flagOf(name, definition),
      value,
      variable: variableOf(name, definition),
      group,
      description,
      ...(unit !== undefined && { unit }),
      ...(choices !== undefined && { choices }),
      default: defaultTextOf(definition),
    };
  });
}

/**
 * Parses `argv` (without node and the script) and the environment. `--help` and `--version` print and exit with 0.
 *
 * @throws StartError with exit code 2, for arguments and variables that are not valid
 */
export function parseCommand<A extends ArgumentDefinitions, O extends OptionDefinitions>(
  definition: CommandDefinition<A, O>,
  argv: readonly string[],
): ParsedCommand<A, O> {
  const command = commandOf(definition);
  try {
    command.parse([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) process.exit(0);
    throw usageError(error.message.replace(/^error: /, ''), error);
  }
  const names = Object.keys(definition.arguments);
  return {
    argument: (name) => command.processedArgs[names.indexOf(name)],
    options: command.opts<Values<O>>(),
    isGiven: (option) => !['default', undefined].includes(command.getOptionValueSource(option)),
  };
}

function commandOf(definition: CommandDefinition<ArgumentDefinitions, OptionDefinitions>): Command {
  const { name, version, description, arguments: args, options } = definition;
  const command = new Command(name);
  command
    .description(description)
    .version(version)
    .showSuggestionAfterError(false)
    .hook('preAction', () => readFlagVariables(command, options))
    .action(() => undefined)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  for (const { syntax, description, parse } of Object.values(args))
    command.argument(syntax, description, parse);
  for (const [key, option] of Object.entries(options)) command.addOption(optionOf(key, option));
  return command;
}

function optionOf(name: string, definition: OptionDefinition<unknown>): Option {
  const { group, description, value, unit, choices, parse } = definition;
  const flag = flagOf(name, definition);
  const option = new Option(
    value === undefined ? flag : `${flag} <${value}>`,
    unit === undefined ? description : `${description}, in ${unit}`,
  )
    .env(variableOf(name, definition))
    .helpGroup(`${group}:`);
  if (parse) option.argParser(parse);
  if (choices) option.choices(choices);
  option.default(definition.default, defaultTextOf(definition));
  return option;
}

function flagOf(name: string, { value, default: byDefault }: OptionDefinition<unknown>): string {
  const isNegated = value === undefined && byDefault === true;
  return `${isNegated ? '--no-' : '--'}${kebab(name)}`;
}

function variableOf(name: string, definition: OptionDefinition<unknown>): string {
  return `KVS_${flagOf(name, definition).slice('--'.length).replaceAll('-', '_').toUpperCase()}`;
}

function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function defaultTextOf({ value, default: byDefault }: OptionDefinition<unknown>): string | undefined {
  const isNone = value === undefined || byDefault === undefined;
  return isNone || String(byDefault) === '' ? undefined : String(byDefault);
}

/**
 * Commander turns a flag on whenever its variable is set, to whatever text. Here `true` and `1` turn it on, `false`, `0` and
 * an empty text don't, and any other text is an error.
 */
function readFlagVariables(command: Command, options: OptionDefinitions): void {
  for (const [name, definition] of Object.entries(options)) {
    if (definition.value !== undefined || command.getOptionValueSource(name) !== 'env') continue;
    const variable = variableOf(name, definition);
    const text = process.env[variable] ?? '';
    if (/^(true|1)$/i.test(text)) continue;
    if (!/^(false|0|)$/i.test(text))
      command.error(`error: ${variable} is true or false, not ${JSON.stringify(text)}`);
    command.setOptionValueWithSource(name, definition.default, 'default');
  }
}

/** Returns the version in the package.json next to the folder of the module at `moduleUrl`. */
export function packageVersion(moduleUrl: string): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', moduleUrl), 'utf8'));
  if (isRecord(manifest) && typeof manifest['version'] === 'string') return manifest['version'];
  throw new TypeError('package.json has no version');
}
