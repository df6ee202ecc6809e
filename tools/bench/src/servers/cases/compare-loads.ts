import type { ContestResult } from '../../harness/contest.js';
import type { Findings, Goal, Table } from '../../harness/report.js';
import { load, requestsFor } from '../ask.js';
import { withRunning, type Contender } from '../contenders/contender.js';
import { OPERATIONS, type Operation } from '../contenders/dialect.js';
import { randomPairs } from '../pairs.js';
import { loadInRounds, toMeasurement, type ServerResult } from '../rounds.js';
import { loadTable } from '../tables.js';
import type { CaseOptions } from './case.js';

export interface Comparison {
  /** The first is the measure. */
  readonly contenders: readonly Contender[];
  readonly connectionCounts: readonly number[];
  /** Pairs in a request. Default: one. */
  readonly batchSizes?: readonly number[];
  readonly operations?: readonly Operation[];
  /** Said below each title. */
  readonly note?: string;
  /** @param results in the order of the contenders */
  goalsOf?(workload: string, results: readonly ServerResult[], operation: Operation): Goal[];
}

/** Puts contenders under the same load in turns: a table for each operation, size of requests and number of connections. */
export function compareLoads(options: CaseOptions, comparison: Comparison): Promise<Findings> {
  const { contenders, connectionCounts, batchSizes = [1], operations = OPERATIONS } = comparison;
  const { scale, generator, progress } = options;
  return withRunning(contenders, async (servers) => {
    const pairs = randomPairs(scale.keyCount);
    for (const server of servers) await load(server, pairs);
    const tables: Table[] = [];
    const goals: Goal[] = [];
    const measurements: ContestResult[] = [];
    const workloads = connectionCounts.flatMap((connections) =>
      batchSizes.flatMap((batchSize) =>
        operations.map((operation) => ({ connections, batchSize, operation })),
      ),
    );
    for (const { connections, batchSize, operation } of workloads) {
      const workload = nameOf(operation, batchSize, connections);
      progress(`${workload}…`);
      const entries = servers.map((server) => {
        return { server, requests: requestsFor(server, operation, pairs, batchSize) };
      });
      const results = await loadInRounds(entries, { ...scale, generator, connections });
      const note = [comparison.note, NOTE].filter((text) => text !== undefined).join(' ');
      tables.push(loadTable(capitalize(workload), note, results, batchSize));
      goals.push(...(comparison.goalsOf?.(workload, results, operation) ?? []));
      measurements.push(...results.map((result) => toMeasurement(workload, result)));
    }
    return { tables, goals, measurements };
  });
}

const NOTE = 'Medians of rounds; ratios round by round.';

function nameOf(operation: Operation, batchSize: number, connections: number): string {
  const pairs = batchSize === 1 ? 'one pair' : `${batchSize.toLocaleString('en')} pairs`;
  return `${operation} of ${pairs}, ${connections} ${connections === 1 ? 'connection' : 'connections'}`;
}

function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
