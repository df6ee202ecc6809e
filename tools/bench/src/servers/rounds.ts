import { turns } from '../harness/contest.js';
import type { RunningContender } from './contenders.js';
import type { LoadGenerator, LoadOutcome } from './load/load.js';
import { cpuNanoseconds } from './processes.js';
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
  /** CPU time of all processes, in nanoseconds per request. NaN if the system does not tell. */
  readonly cpuNs: number;
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
  const entries = servers.map((server) => ({ server, taken: new Array<Turn>() }));
  for (const { server, taken } of turns(entries, options.rounds))
    taken.push(await takeTurn(server, requests, options));
  for (const server of servers) await verify(server, requests);
  return entries.map(({ server: { name }, taken }) => ({ name, turns: taken }));
}

async function takeTurn(
  { name, origin, pids }: RunningContender,
  requests: readonly PreparedRequest[],
  { generator, connections, turnSeconds }: RoundsOptions,
): Promise<Turn> {
  const cpuTime = () => pids.reduce((sum, pid) => sum + cpuNanoseconds(pid), 0);
  const before = cpuTime();
  const outcome = await generator.run({ origin, requests, connections, seconds: turnSeconds });
  const cpuNs = (cpuTime() - before) / outcome.requests;
  if (outcome.requests === 0) throw new Error(`${name} answered no request`);
  if (outcome.failures > 0) throw new Error(`${name}: ${outcome.failures} requests failed`);
  return { ...outcome, cpuNs };
}
