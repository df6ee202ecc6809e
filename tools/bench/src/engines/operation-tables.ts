import type { ContestResult } from '../harness/contest.js';
import type { Cell, Table } from '../harness/report.js';
import { median, medianRatio } from '../harness/statistics.js';
import { OPERATIONS, type Contender } from './contenders.js';
import type { EnginesScale } from './scale.js';

/** The meter of this process's CPU time. */
export const CPU = 'cpu';
/** The meter of redis-server's CPU time. */
export const SERVER_CPU = 'server cpu';

/** @param byOperation the results of each operation, in the contenders' order, the first of which is the measure */
export function timesOf(
  contenders: readonly Contender[],
  byOperation: readonly (readonly ContestResult[])[],
  batchSize: number,
  { callsInFlight, pairCount }: EnginesScale,
): Table {
  return {
    title: `Operations, ${batchSize} ${batchSize === 1 ? 'pair' : 'pairs'} in a call`,
    note:
      `Time on the clock for each of ${pairCount.toLocaleString('en')} pairs, the median of interleaved rounds; in brackets ` +
      'the spread of the middle half of the rounds, and how many times that of the Map it is in the same round. Engines ' +
      `that answer by promise have ${callsInFlight} calls under way at a time, the others one.`,
    columns: [{ title: '' }, ...OPERATIONS.map((title) => ({ title }))],
    rows: contenders.map(({ name }, at) => [
      name,
      ...byOperation.map((results) => timeAndRatio(results[at], results[0])),
    ]),
  };
}

export function cpuTimesOf(
  contenders: readonly Contender[],
  byOperation: readonly (readonly ContestResult[])[],
  batchSize: number,
): Table {
  return {
    title: `CPU time, ${batchSize} ${batchSize === 1 ? 'pair' : 'pairs'} in a call`,
    note: 'Of this process with all its threads, plus that of redis-server where there is one, by the pair.',
    columns: [{ title: '' }, ...OPERATIONS.map((title) => ({ title }))],
    rows: contenders.map(({ name }, at) => [
      name,
      ...byOperation.map((results) => cpuTime(results[at], name)),
    ]),
  };
}

export function scansOf(
  contenders: readonly Contender[],
  results: readonly ContestResult[],
  { pairCount }: EnginesScale,
): Table {
  return {
    title: 'Scans',
    note: `Of all ${pairCount.toLocaleString('en')} pairs, by the pair: time on the clock and CPU time as above.`,
    columns: [{ title: '' }, { title: 'time' }, { title: 'CPU time' }],
    rows: contenders.map(({ name }, at) => [
      name,
      timeAndRatio(results[at], results[0]),
      cpuTime(results[at], name),
    ]),
  };
}

function timeAndRatio(result: ContestResult | undefined, map: ContestResult | undefined): Cell {
  if (result === undefined || map === undefined) return null;
  const ratio = result === map ? '' : `, ${short(medianRatio(result.samples, map.samples))} ×`;
  return `${short(result.median)} ns (±${(result.spread * 50).toFixed(0)}%${ratio})`;
}

function cpuTime(result: ContestResult | undefined, name: string): Cell {
  const own = result?.metered[CPU];
  if (own === undefined) return null;
  const server = result?.metered[SERVER_CPU];
  const isServed = server !== undefined && name.startsWith('redis');
  return `${short(median(own))} ns${isServed ? ` + ${short(median(server))} ns` : ''}`;
}

function short(value: number): string {
  return value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString('en');
}
