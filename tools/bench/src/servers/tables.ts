import type { Table } from '../harness/report.js';
import { median, ratios } from '../harness/statistics.js';
import type { ServerResult, Turn } from './rounds.js';

/**
 * Returns a table of what contenders did, with ratios to the first of them.
 *
 * @param yardstick names the first contender in the titles of columns
 */
export function loadTable(
  title: string,
  results: readonly ServerResult[],
  itemsPerRequest = 1,
  yardstick = 'raw',
): Table {
  const [measure] = results;
  const items = itemsPerRequest === 1 ? 'request' : 'item';
  return {
    title,
    note: 'Medians of the rounds. A ratio is the median of the ratios of each round.',
    columns: [
      { title: '' },
      { title: `${items}s/s`, unit: 'count' },
      { title: `× ${yardstick}`, unit: 'ratio' },
      { title: `CPU per ${items}`, unit: 'µs' },
      { title: `CPU × ${yardstick}`, unit: 'ratio' },
      { title: 'p50', unit: 'ms' },
      { title: 'p99', unit: 'ms' },
    ],
    rows: results.map((result) => {
      const { name, turns } = result;
      return [
        name,
        median(turns.map(perSecond)) * itemsPerRequest,
        measure === undefined ? null : median(speedRatios(result, measure)),
        known(median(turns.map(({ cpuNs }) => cpuNs)) / itemsPerRequest / 1000),
        measure === undefined ? null : known(median(cpuRatios(result, measure))),
        median(turns.map(({ p50Ms }) => p50Ms)),
        median(turns.map(({ p99Ms }) => p99Ms)),
      ];
    }),
  };
}

/** Returns the ratio of requests per second to those of another contender, for each round. */
export function speedRatios(result: ServerResult, measure: ServerResult): number[] {
  return ratios(result.turns.map(perSecond), measure.turns.map(perSecond));
}

/** Returns the ratio of CPU time per request to that of another contender, for each round. NaN if not known. */
export function cpuRatios(result: ServerResult, measure: ServerResult): number[] {
  const cpu = ({ turns }: ServerResult): number[] => turns.map(({ cpuNs }) => cpuNs);
  return ratios(cpu(result), cpu(measure));
}

/** Returns null, which is shown as a dash, for NaN. */
function known(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}

function perSecond({ requests, seconds }: Turn): number {
  return requests / seconds;
}
