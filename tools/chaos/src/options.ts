import { Command, InvalidArgumentError } from 'commander';

export interface ChaosCommand {
  readonly minutes: number;
  readonly seed: number;
  readonly copies: number;
  /** A directory for what the servers write. */
  readonly logs: string | undefined;
}

/** Reads the command line. Bad arguments end the process with one line on stderr. */
export function readOptions(argv: readonly string[]): ChaosCommand {
  return new Command('npm run chaos --')
    .description('Runs a cluster of real processes with faults under load, and checks its history.')
    .option('--minutes <number>', 'how long faults come', number(0.1, 600), 5)
    .option('--seed <number>', 'of the faults and the load', number(0, 2 ** 31), 1)
    .option('--copies <number>', 'of each partition: 2 or 3', number(2, 3), 3)
    .option('--logs <directory>', 'writes the output of each server to a file there')
    .allowExcessArguments(false)
    .parse([...argv], { from: 'user' })
    .opts<ChaosCommand>();
}

function number(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a number from ${min} to ${max}.`);
  };
}
