import { inRounds, type ContestResult } from '../harness/contest.js';
import { median, spread } from '../harness/statistics.js';
import { verify } from './ask.js';
import { ROLES, type Role, type RunningContender } from './contenders/contender.js';
import type { PreparedRequest } from './contenders/dialect.js';
import type { LoadGenerator, LoadOutcome } from './load/load.js';
import { cpuNanoseconds, residentBytes } from './processes.js';

/** A contender with the requests that it has to answer. */
export interface Entry {
  readonly server: RunningContender;
  readonly requests: readonly PreparedRequest[];
}

export interface RoundsOptions {
  readonly generator: LoadGenerator;
  readonly rounds: number;
  /** How long a turn is; a whole number. */
  readonly turnSeconds: number;
  readonly connections: number;
  /** How long each is under load before anything is measured; a whole number. */
  readonly warmUpSeconds: number;
}

/** What a contender did in its turns. */
export interface ServerResult {
  readonly name: string;
  readonly turns: readonly Turn[];
}

export interface Turn extends LoadOutcome {
  /** What the processes of each role took, in nanoseconds by the request. */
  readonly cpu: Readonly<Partial<Record<Role, number>>>;
  /** What they have of memory afterwards, in bytes. */
  readonly resident: Readonly<Partial<Record<Role, number>>>;
}

/**
 * Puts the contenders under load in turns, round after round, each round starting with another: whatever slows the
 * machine for a while slows them all.
 *
 * @throws Error when an answer is not right before or after, or when a request failed
 */
export async function loadInRounds(
  entries: readonly Entry[],
  options: RoundsOptions,
): Promise<ServerResult[]> {
  for (const entry of entries) {
    await verify(entry.server, entry.requests);
    await takeTurn(entry, { ...options, turnSeconds: options.warmUpSeconds });
  }
  const results = entries.map(({ server: { name } }) => ({ name, turns: new Array<Turn>() }));
  await inRounds(entries.length, options.rounds, async (at) => {
    const entry = entries[at];
    if (entry !== undefined) results[at]?.turns.push(await takeTurn(entry, options));
  });
  for (const { server, requests } of entries) await verify(server, requests);
  return results;
}

async function takeTurn(
  { server, requests }: Entry,
  { generator, connections, turnSeconds }: RoundsOptions,
): Promise<Turn> {
  const before = byRole(server, cpuNanoseconds);
  const outcome = await generator.run({ origin: server.origin, requests, connections, seconds: turnSeconds });
  const after = byRole(server, cpuNanoseconds);
  if (outcome.requests === 0) throw new Error(`${server.name} answered no request`);
  if (outcome.failures > 0) throw new Error(`${server.name}: ${outcome.failures} requests failed`);
  const cpu: Partial<Record<Role, number>> = {};
  for (const role of ROLES) {
    const taken = (after[role] ?? NaN) - (before[role] ?? NaN);
    if (!Number.isNaN(taken)) cpu[role] = taken / outcome.requests;
  }
  return { ...outcome, cpu, resident: byRole(server, residentBytes) };
}

/** Of the processes of each role the sum; no entry where there are none, or it is not known. */
function byRole(
  { processes }: RunningContender,
  read: (pid: number) => number,
): Partial<Record<Role, number>> {
  const sums: Partial<Record<Role, number>> = {};
  for (const { role, pid } of processes) {
    const value = read(pid);
    if (!Number.isNaN(value)) sums[role] = (sums[role] ?? 0) + value;
  }
  return sums;
}

/** All roles together; NaN where nothing is known. */
export function total(values: Readonly<Partial<Record<Role, number>>>): number {
  const known = Object.values(values);
  return known.length === 0 ? NaN : known.reduce((sum, value) => sum + value, 0);
}

/** The same for the list of measurements: times are on the clock, by the request. */
export function toMeasurement(workload: string, { name, turns }: ServerResult): ContestResult {
  const samples = turns.map(({ requests, seconds }) => (seconds * 1e9) / requests);
  const requests = turns.reduce((sum, turn) => sum + turn.requests, 0);
  return {
    name: `${name}, ${workload}`,
    samples,
    median: median(samples),
    spread: spread(samples),
    operations: requests,
    checksum: requests,
    metered: {
      cpu: turns.map(({ cpu }) => total(cpu)),
      p50Ms: turns.map(({ p50Ms }) => p50Ms),
      p99Ms: turns.map(({ p99Ms }) => p99Ms),
      p999Ms: turns.map(({ p999Ms }) => p999Ms),
    },
  };
}
