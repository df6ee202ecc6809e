import { median, medianRatio, spread } from './statistics.js';

/** One of several ways to do the same work. */
export interface Contestant {
  readonly name: string;
  /**
   * Does the work `operations` times. Returns a sum that depends on every result, so that no compiler can skip work, and that has
   * at least 1 for each.
   */
  run(operations: number): number;
}

export interface ContestOptions {
  readonly rounds: number;
  /** The min length of a turn. A turn has as many operations as take this long. */
  readonly turnMs: number;
  /** How long each contestant runs before the first round. */
  readonly warmUpMs: number;
  /**
   * Returns nanoseconds since any fixed moment. Default: the CPU time of this process with all its threads, which other programs
   * on the machine change little.
   */
  readonly clock?: () => number;
}

export interface ContestResult {
  readonly name: string;
  /** Nanoseconds per operation, for each round. */
  readonly samples: readonly number[];
  readonly median: number;
  /** The interquartile range, relative to the median. */
  readonly spread: number;
}

/**
 * Measures the contestants in rounds, in which each has a turn. Whatever slows the machine for a while slows all of them.
 *
 * @throws Error if a contestant did less than it was asked to do
 */
export function compete(contestants: readonly Contestant[], options: ContestOptions): ContestResult[] {
  const { rounds, clock = cpuTime } = options;
  const entries = contestants.map((contestant) => {
    return { contestant, operations: warmUp(contestant, options), samples: new Array<number>() };
  });
  for (const { contestant, operations, samples } of turns(entries, rounds)) {
    const start = clock();
    work(contestant, operations);
    samples.push((clock() - start) / operations);
  }
  return entries.map(({ contestant: { name }, samples }) => {
    return { name, samples, median: median(samples), spread: spread(samples) };
  });
}

/** Yields every item in each round. Each round starts with another one. */
export function* turns<T>(items: readonly T[], rounds: number): Generator<T, void> {
  for (let round = 0; round < rounds; round++) {
    const first = round % items.length;
    yield* items.slice(first);
    yield* items.slice(0, first);
  }
}

/** Returns how many times as fast the first is as the second. */
export function timesAsFast(first: ContestResult, second: ContestResult): number {
  return medianRatio(second.samples, first.samples);
}

/** Runs a contestant until it is warm, and returns the number of operations that fill its turn. */
function warmUp(contestant: Contestant, { clock = cpuTime, turnMs, warmUpMs }: ContestOptions): number {
  const start = clock();
  for (let operations = 1; ;) {
    const turnStart = clock();
    work(contestant, operations);
    const now = clock();
    if (now - turnStart < turnMs * 1e6) operations *= 2;
    else if (now - start >= warmUpMs * 1e6) return operations;
  }
}

function work(contestant: Contestant, operations: number): void {
  const sum = contestant.run(operations);
  if (sum < operations) throw new Error(`${contestant.name} did less than ${operations} operations`);
}

function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
}
