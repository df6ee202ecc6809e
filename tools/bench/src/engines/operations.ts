import type { RedisProcess } from '@kvs/kv-store-redis/testing';
import { wallClock } from '../harness/clock.js';
import type { Contestant, ContestOptions, ContestResult } from '../harness/contest.js';
import { compete } from '../harness/contest.js';
import type { Cell, Findings, Table } from '../harness/report.js';
import { medianRatio } from '../harness/statistics.js';
import { OPERATIONS, type Contender, type Operation } from './contenders.js';
import { withContenders } from './open-contenders.js';
import { pairBatches, type Batch, type PairShape } from './pairs.js';
import type { EnginesScale } from './scale.js';

const FILL_BATCH = 100;
const SHAPE: PairShape = { name: 'records', keyBytes: 16, valueBytes: 100, encoding: 'string' };

/** Measures the time per pair of each operation, by the number of pairs in a call, and of a scan. */
export function measureOperations(
  scale: EnginesScale,
  server: RedisProcess | undefined,
  progress: (message: string) => void,
): Promise<Findings> {
  return withContenders(server, async (contenders) => {
    const options = { clock: wallClock, turnMs: scale.turnMs, warmUpMs: scale.warmUpMs };
    const tables: Table[] = [];
    const measurements: ContestResult[] = [];
    for (const batchSize of scale.batchSizes) {
      const batches = [...pairBatches(SHAPE, scale.pairCount, batchSize)];
      await fill(contenders, batches);
      const byOperation: ContestResult[][] = [];
      for (const operation of OPERATIONS) {
        progress(`${operation}, ${batchSize} at a time…`);
        const contestants = contenders.map((contender) => contestantOf(contender, operation, batches, scale));
        const contest: ContestOptions = { ...options, rounds: scale.rounds };
        byOperation.push(perPair(await compete(contestants, contest), batchSize));
      }
      tables.push(timesOf(contenders, byOperation, batchSize, scale));
      measurements.push(...byOperation.flat());
    }
    if (scale.scanRounds === 0) return { tables, goals: [], measurements };
    progress('scans…');
    await fill(contenders, [...pairBatches(SHAPE, scale.pairCount, FILL_BATCH)]);
    const scans = perPair(
      await compete(
        contenders.map((contender) => scanOf(contender, scale.pairCount)),
        { ...options, rounds: scale.scanRounds },
      ),
      scale.pairCount,
    );
    return {
      tables: [...tables, scansOf(contenders, scans, scale)],
      goals: [],
      measurements: [...measurements, ...scans],
    };
  });
}

/** Returns a contestant that calls an operation with one batch after the other, and starts over at the end. */
function contestantOf(
  contender: Contender,
  operation: Operation,
  batches: readonly Batch[],
  { callsInFlight }: EnginesScale,
): Contestant {
  const lanes = contender.isAsynchronous ? callsInFlight : 1;
  let from = 0;
  let missing = 0;
  const name = `${contender.name}, ${operation}, ${batches[0]?.keys.length ?? 0} at a time`;
  const restore = async (): Promise<void> => {
    const start = from - missing + batches.length;
    await inLanes(lanes, missing, (at) => contender.set(batchAt(batches, start + at)));
    missing = 0;
  };
  return {
    name,
    maxOperations: operation === 'delete' ? batches.length : undefined,
    // Writes the pairs again that the last turn deleted.
    prepare: restore,
    run: async (calls) => {
      const start = from;
      const done = await inLanes(lanes, calls, (at) => contender[operation](batchAt(batches, start + at)));
      from = (from + calls) % batches.length;
      if (operation === 'delete') missing = calls;
      let asked = 0;
      for (let call = 0; call < calls; call++) asked += batchAt(batches, start + call).keys.length;
      assertAll(name, done, asked);
      return done;
    },
  };
}

function batchAt(batches: readonly Batch[], at: number): Batch {
  const batch = batches[at % batches.length];
  if (batch === undefined) throw new RangeError('there are no batches');
  return batch;
}

/** Makes calls, `lanes` of them in flight at a time, and returns the sum of the answers. */
async function inLanes(
  lanes: number,
  calls: number,
  call: (at: number) => number | Promise<number>,
): Promise<number> {
  let sum = 0;
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < calls) {
      const answer = call(next++);
      const done = typeof answer === 'number' ? answer : await answer;
      sum += done;
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return sum;
}

async function fill(contenders: readonly Contender[], batches: readonly Batch[]): Promise<void> {
  for (const contender of contenders)
    await inLanes(FILL_LANES, batches.length, (at) => contender.set(batchAt(batches, at)));
}

const FILL_LANES = 32;

function scanOf(contender: Contender, pairCount: number): Contestant {
  const name = `${contender.name}, scan`;
  return {
    name,
    run: async (times) => {
      let found = 0;
      for (let time = 0; time < times; time++) found += await contender.scan();
      assertAll(name, found, times * pairCount);
      return found;
    },
  };
}

/** @throws Error if a contender did less than it was asked to do, or holds other pairs */
function assertAll(name: string, done: number, asked: number): void {
  if (done !== asked) throw new Error(`${name}: ${done} of ${asked} pairs`);
}

/** Converts times per call to times per pair. */
function perPair(results: readonly ContestResult[], pairs: number): ContestResult[] {
  const scaled = (samples: readonly number[]) => samples.map((sample) => sample / pairs);
  return results.map((result) => ({
    ...result,
    samples: scaled(result.samples),
    median: result.median / pairs,
  }));
}

/** @param byOperation the results of each operation in the order of the contenders, of which the first is the measure */
function timesOf(
  contenders: readonly Contender[],
  byOperation: readonly (readonly ContestResult[])[],
  batchSize: number,
  { callsInFlight, pairCount }: EnginesScale,
): Table {
  return {
    title: `Operations, ${batchSize} ${batchSize === 1 ? 'pair' : 'pairs'} in a call`,
    note:
      `Wall-clock time per pair with ${pairCount.toLocaleString('en')} pairs, the median of the rounds. In brackets are half ` +
      'the interquartile range and the ratio to the Map in the same round. ' +
      `Engines that answer by promise have ${callsInFlight} calls in flight, the others one.`,
    columns: [{ title: '' }, ...OPERATIONS.map((title) => ({ title }))],
    rows: contenders.map(({ name }, at) => [
      name,
      ...byOperation.map((results) => timeAndRatio(results[at], results[0])),
    ]),
  };
}

function scansOf(
  contenders: readonly Contender[],
  results: readonly ContestResult[],
  { pairCount }: EnginesScale,
): Table {
  return {
    title: 'Scans',
    note: `Wall-clock time per pair of a scan of all ${pairCount.toLocaleString('en')} pairs.`,
    columns: [{ title: '' }, { title: 'time' }],
    rows: contenders.map(({ name }, at) => [name, timeAndRatio(results[at], results[0])]),
  };
}

function timeAndRatio(result: ContestResult | undefined, map: ContestResult | undefined): Cell {
  if (result === undefined || map === undefined) return null;
  const ratio = result === map ? '' : `, ${short(medianRatio(result.samples, map.samples))} ×`;
  return `${short(result.median)} ns (±${(result.spread * 50).toFixed(0)}%${ratio})`;
}

function short(value: number): string {
  return value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString('en');
}
