import { Argument, Command } from 'commander';
import { suites } from './suites.js';

export interface BenchOptions {
  readonly suite: string;
  readonly quick: boolean;
  readonly part?: string;
  readonly json?: string;
  readonly markdown?: string;
}

/** Bad arguments end the process, with a word about them on stderr. */
export function readOptions(argv: readonly string[]): BenchOptions {
  const described = suites.map(({ name, description }) => `${name}: ${description}`).join('; ');
  const command = new Command('npm run bench --')
    .description('Measures, and says which goals are met.')
    .addArgument(new Argument('<suite>', described).choices(suites.map(({ name }) => name)))
    .option('--quick', 'fewer rounds and keys, for a first look', false)
    .option('--part <name>', `only a part of it; ${describedParts()}`)
    .option('--json <file>', 'write what was found as JSON')
    .option('--markdown <file>', 'write it as Markdown, as shown')
    .parse([...argv], { from: 'user' });
  const [suite = ''] = command.args;
  const options = command.opts<Omit<BenchOptions, 'suite'>>();
  const { parts = [] } = suites.find(({ name }) => name === suite) ?? {};
  if (options.part !== undefined && !parts.includes(options.part))
    command.error(`error: the parts of ${suite} are ${parts.join(', ') || 'not to be had one by one'}`);
  return { suite, ...options };
}

function describedParts(): string {
  return suites
    .flatMap(({ name, parts }) => (parts === undefined ? [] : [`of ${name}: ${parts.join(', ')}`]))
    .join('; ');
}
