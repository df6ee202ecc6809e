import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { suites } from './suites.js';

export interface BenchOptions {
  readonly suite: string;
  readonly quick: boolean;
  readonly case?: readonly string[];
  /** Where profiles go, if there are to be any. */
  readonly profile?: string;
  readonly soakMinutes?: number;
  readonly json?: string;
  readonly markdown?: string;
  readonly svg?: string;
}

/** Bad arguments end the process, with a word about them on stderr. */
export function readOptions(argv: readonly string[]): BenchOptions {
  const described = suites.map(({ name, description }) => `${name}: ${description}`).join('; ');
  const caseNames = suites.flatMap(({ cases = [] }) => cases);
  const command = new Command('npm run bench --')
    .description('Measures, and says which goals are met.')
    .addArgument(new Argument('<suite>', described).choices(suites.map(({ name }) => name)))
    .option('--quick', 'fewer rounds and keys, for a first look', false)
    .addOption(new Option('--case <name...>', 'of engines and servers, only these').choices(caseNames))
    .option('--profile <directory>', 'of servers, write CPU profiles there instead of measuring')
    .addOption(
      new Option('--soak-minutes <number>', 'of servers, how long the soak lasts; none without').argParser(
        minutes,
      ),
    )
    .option('--json <file>', 'write what was found as JSON')
    .option('--markdown <file>', 'write it as Markdown, as shown')
    .option('--svg <file>', 'of servers, draw a chart of it')
    .parse([...argv], { from: 'user' });
  const [suite = ''] = command.args;
  const options = command.opts<Omit<BenchOptions, 'suite'>>();
  const chosen = suites.find(({ name }) => name === suite);
  const stranger = options.case?.find((name) => chosen?.cases?.includes(name) !== true);
  if (stranger !== undefined) command.error(`error: ${suite} has no case ${stranger}`);
  if (options.profile !== undefined && chosen?.canProfile !== true)
    command.error(`error: ${suite} has no profiles`);
  if (options.svg !== undefined && chosen?.chart === undefined) command.error(`error: ${suite} has no chart`);
  if (options.soakMinutes !== undefined && chosen?.cases?.includes('soak') !== true)
    command.error(`error: ${suite} has no soak`);
  return { suite, ...options };
}

function minutes(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 24 * 60) return value;
  throw new InvalidArgumentError('It must be a number above 0, and at most 1,440.');
}
