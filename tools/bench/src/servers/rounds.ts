import { inRounds } from '../harness/contest.js';
import { ROLES, type Role, type RunningContender } from './contenders.js';
import type { LoadGenerator, LoadOutcome } from './load/load.js';
import { cpuNanoseconds, residentBytes } from './processes.js';
import { verify, type PreparedRequest } from './requests.js';

export interface RoundsOptions {
  readonly generator: LoadGenerator;
  readonly rounds: number;
  readonly turnSeconds: number;
  readonly connections: number;
  /** How long each is under load before the first round. */
  readonly warmUpSeconds: number;
}

export interface ServerResult {
  readonly name: string;
  /** One for each round. */
  readonly turns: readonly Turn[];
}

export interface Turn extends LoadOutcome {
  /** CPU time of the processes of each role, in nanoseconds per request. */
  readonly cpu: Readonly<Partial<Record<Role, number>>>;
  /** RSS of all processes afterwards, in bytes. NaN if the system does not tell. */
  readonly residentBytes: number;
}

/**
 * Puts each contender under load for a turn in every round. Each round starts with another one.
 *
 * @throws Error when an answer is wrong before or after the rounds, or when a request failed
 */
export async function loadInRounds(
  servers: readonly RunningContender[],
  requests: readonly PreparedRequest[],
  options: RoundsOptions,
): Promise<ServerResult[]> {
  for (const server of servers) {
    await verify(server, requests);
    await takeTurn(server, requests, { ...options, turnSeconds: options.warmUpSeconds });
  }
  const results = servers.map(({ name }) => ({ name, turns: new Array<Turn>() }));
  await inRounds(servers.length, options.rounds, async (at) => {
    const server = servers[at];
    if (server !== undefined) results[at]?.turns.push(await takeTurn(server, requests, options));
  });
  for (const server of servers) await verify(server, requests);
  return results;
}

async function takeTurn(
  server: RunningContender,
  requests: readonly PreparedRequest[],
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
  return { ...outcome, cpu, residentBytes: total(byRole(server, residentBytes)) };
}

/** Returns the sum over the processes of each role. Roles without a known value are absent. */
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

/** Returns the sum over all roles, NaN if none is known. */
export function total(values: Readonly<Partial<Record<Role, number>>>): number {
  const known = Object.values(values);
  return known.length === 0 ? NaN : known.reduce((sum, value) => sum + value, 0);
}
