import { Command, InvalidArgumentError } from 'commander';
import { RULES, type Rule } from './rules.js';

export interface SimulationOptions {
  /** The first seed. */
  readonly seed: number;
  /** How many seeds from there on. */
  readonly seeds: number;
  /** The rules that are switched off. */
  readonly without: readonly Rule[];
  /** Whether to print everything that happened. */
  readonly trace: boolean;
  /** Whether to look for the smallest scenario that fails as well. */
  readonly shrink: boolean;
  /** Whether to stop at the first seed that fails. */
  readonly untilFound: boolean;
}

/** Reads the command line. Bad arguments end the process with one line on stderr. */
export function readOptions(argv: readonly string[]): SimulationOptions {
  return new Command('npm run simulate:cluster --')
    .description('Runs a cluster in virtual time with faults, and prints a line for each finding.')
    .option('--seed <number>', 'the first seed', wholeNumber, 1)
    .option('--seeds <number>', 'how many seeds', wholeNumber, 1)
    .option('--without <rules>', 'rules to switch off, such as R10 or R7,R12', rules, [])
    .option('--trace', 'print everything that happens', false)
    .option('--shrink', 'look for the smallest scenario that fails as well', false)
    .option('--until-found', 'stop at the first seed that fails', false)
    .allowExcessArguments(false)
    .parse([...argv], { from: 'user' })
    .opts<SimulationOptions>();
}

function wholeNumber(text: string): number {
  const value = Number(text.replaceAll('_', ''));
  if (Number.isInteger(value) && value >= 0 && value < 2 ** 31) return value;
  throw new InvalidArgumentError('It must be a whole number from 0 to 2147483647.');
}

function rules(text: string): Rule[] {
  return text.split(',').map((name) => {
    const rule = RULES.find((one) => one === name);
    if (rule === undefined) throw new InvalidArgumentError(`It must be some of ${RULES.join(', ')}.`);
    return rule;
  });
}
