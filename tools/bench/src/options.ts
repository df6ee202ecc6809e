import { resolve } from 'node:path';
import { Argument, Command, Option } from 'commander';
import { suites } from './suites.js';

export interface BenchOptions {
  readonly suite: string;
  readonly quick: boolean;
  readonly case?: readonly string[];
  readonly baseline?: string;
  readonly write: boolean;
}

/** Reads the command line. Bad arguments end the process with one line on stderr. */
export function readOptions(argv: readonly string[]): BenchOptions {
  const described = suites.map(({ name, description }) => `${name}: ${description}`).join('; ');
  const caseNames = [...new Set(suites.flatMap(({ cases = [] }) => cases))];
  const command = new Command('npm run bench --')
    .description('Measures kvs and says which goals are met.')
    .addArgument(new Argument('<suite>', described).choices(suites.map(({ name }) => name)))
    .option('--quick', 'fewer rounds and keys, for a first look', false)
    .addOption(
      new Option('--case <name...>', 'ring, engines, servers, cluster: measure only these cases').choices(
        caseNames,
      ),
    )
    .option('--baseline <directory>', 'servers: also measure another checkout, which must be built', (path) =>
      resolve(path),
    )
    .option('--write', 'write the tables to docs/benchmarks and update the pages that show them', false)
    .parse([...argv], { from: 'user' });
  const [suite = ''] = command.args;
  const options = command.opts<Omit<BenchOptions, 'suite'>>();
  const cases = suites.find(({ name }) => name === suite)?.cases;
  const unknown = options.case?.find((name) => cases?.includes(name) !== true);
  if (unknown !== undefined) command.error(`error: ${suite} has no case ${unknown}`);
  if (options.baseline !== undefined && suite !== 'servers')
    command.error(`error: ${suite} compares with no baseline`);
  return { suite, ...options };
}
