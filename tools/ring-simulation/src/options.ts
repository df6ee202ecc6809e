import { Command, InvalidArgumentError } from 'commander';
import type { SimulationSize } from './simulation.js';

export interface SimulationOptions extends SimulationSize {
  /** The file of the chart, if it is wanted. */
  readonly out?: string;
}

/** Reads the command line. Bad arguments end the process with one line on stderr. */
export function readOptions(argv: readonly string[]): SimulationOptions {
  const options = new Command('npm run simulate --')
    .description('Shows how each strategy distributes keys over nodes, and how many keys a new node moves.')
    .option('--nodes <number>', 'number of nodes', wholeNumber(4096), 1000)
    .option('--keys <number>', 'number of keys', wholeNumber(1e11), 100_000_000)
    .option(
      '--sample <number>',
      'number of keys for strategies with slow lookups',
      wholeNumber(1e11),
      2_000_000,
    )
    .option('--out <file>', 'write a chart as SVG')
    .allowExcessArguments(false)
    .parse([...argv], { from: 'user' })
    .opts<{ nodes: number; keys: number; sample: number; out?: string }>();
  const { nodes: nodeCount, keys: keyCount, sample: sampleCount, ...rest } = options;
  return { nodeCount, keyCount, sampleCount, ...rest };
}

function wholeNumber(max: number): (text: string) => number {
  return (text) => {
    const value = Number(text.replaceAll('_', ''));
    if (Number.isInteger(value) && value >= 1 && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${max.toLocaleString('en')}.`);
  };
}
