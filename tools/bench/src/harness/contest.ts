import type { Clock } from './clock.js';
import { median, medianRatio, spread } from './statistics.js';

/** One of several ways to do the same work. */
export interface Contestant {
  readonly name: string;
  /** Does the work `operations` times. Returns a sum that depends on every result, so that no compiler can skip work. */
  run(operations: number): number | Promise<number>;
  /** Prepares the next turn. Not measured. */
  prepare?(): void | Promise<void>;
  /** The max number of operations in a turn. Default: as many as fill it. */
  readonly maxOperations?: number;
}

export interface ContestOptions {
  readonly clock: Clock;
  readonly rounds: number;
  /** The min length of a turn. A turn has as many operations as take this long. */
  readonly turnMs: number;
  /** How long each contestant runs before the first round. */
  readonly warmUpMs: number;
}

export interface ContestResult {
  readonly name: string;
  /** Nanoseconds per operation, for each round. */
  readonly samples: readonly number[];
  readonly median: number;
  /** The interquartile range, relative to the median. */
  readonly spread: number;
  readonly operations: number;
  readonly checksum: number;
}

/**
 * Measures the contestants in rounds, in which each has a turn. Each round starts with another contestant. Whatever slows
 * the machine for a while slows all of them.
 */
export async function compete(
  contestants: readonly Contestant[],
  options: ContestOptions,
): Promise<ContestResult[]> {
  const entries: Entry[] = [];
  for (const contestant of contestants) entries.push(await warmUp(contestant, options));
  await inRounds(entries.length, options.rounds, async (at) => {
    const entry = entries[at];
    if (entry !== undefined) await takeTurn(entry, options);
  });
  return entries.map(({ contestant: { name }, samples, operations, checksum }) => {
    return { name, samples, median: median(samples), spread: spread(samples), operations, checksum };
  });
}

/** Calls `takeTurn` for each index below `count` in every round. Each round starts with another index. */
export async function inRounds(
  count: number,
  rounds: number,
  takeTurn: (at: number) => Promise<void>,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < count; turn++) await takeTurn((round + turn) % count);
  }
}

/** Returns how many times as fast the first is as the second. */
export function timesAsFast(first: ContestResult, second: ContestResult): number {
  return medianRatio(second.samples, first.samples);
}

interface Entry {
  readonly contestant: Contestant;
  readonly operations: number;
  readonly samples: number[];
  checksum: number;
}

async function takeTurn(entry: Entry, { clock }: ContestOptions): Promise<void> {
  await entry.contestant.prepare?.();
  const start = clock();
  const sum = await entry.contestant.run(entry.operations);
  entry.samples.push((clock() - start) / entry.operations);
  entry.checksum += sum;
}

/** Runs a contestant until it is warm, and finds the number of operations that fill its turn. */
async function warmUp(contestant: Contestant, options: ContestOptions): Promise<Entry> {
  const { clock, turnMs, warmUpMs } = options;
  const { maxOperations = Infinity } = contestant;
  const start = clock();
  let operations = 1;
  let checksum = 0;
  for (;;) {
    await contestant.prepare?.();
    const turnStart = clock();
    checksum += await contestant.run(operations);
    const now = clock();
    if (now - turnStart < turnMs * 1e6 && operations < maxOperations)
      operations = Math.min(2 * operations, maxOperations);
    else if (now - start >= warmUpMs * 1e6) return { contestant, operations, samples: [], checksum };
  }
}
