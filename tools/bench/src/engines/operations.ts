import { wallClock } from '../harness/clock.js';
import type { Contestant, ContestOptions, ContestResult, Meter } from '../harness/contest.js';
import { compete } from '../harness/contest.js';
import type { Findings, Table } from '../harness/report.js';
import { OPERATIONS, type Contender, type Operation } from './contenders.js';
import { withContenders } from './open-contenders.js';
import { CPU, cpuTimesOf, scansOf, SERVER_CPU, timesOf } from './operation-tables.js';
import { pairBatches, type Batch, type PairShape } from './pairs.js';
import type { MeasuredRedis } from './redis-server.js';
import type { EnginesScale } from './scale.js';

const FILL_BATCH = 100;
const SHAPE: PairShape = { name: 'records', keyBytes: 16, valueBytes: 100, encoding: 'string' };

/** What an operation takes, by the number of pairs in a call; and what a scan takes. */
export function measureOperations(
  scale: EnginesScale,
  server: MeasuredRedis | undefined,
  progress: (message: string) => void,
): Promise<Findings> {
  return withContenders(server, async (contenders) => {
    const meters = metersOf(server);
    const options = { clock: wallClock, turnMs: scale.turnMs, warmUpMs: scale.warmUpMs, meters };
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
      tables.push(cpuTimesOf(contenders, byOperation, batchSize));
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

function metersOf(server: MeasuredRedis | undefined): Meter[] {
  const ownCpu: Meter = {
    name: CPU,
    read: () => {
      const { user, system } = process.cpuUsage();
      return (user + system) * 1000;
    },
  };
  return server === undefined
    ? [ownCpu]
    : [ownCpu, { name: SERVER_CPU, read: () => server.cpuNanoseconds() }];
}

/** A call with a batch, around and around through batches of all pairs. */
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
    // What a turn has deleted comes back before the next.
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

/** Makes so many calls, of which as many as there are lanes are under way at a time. Answers are summed up. */
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

/** Who does less than was asked, or holds other pairs, is not to be compared. */
function assertAll(name: string, done: number, asked: number): void {
  if (done !== asked) throw new Error(`${name}: ${done} of ${asked} pairs`);
}

/** Times by the call become times by the pair. */
function perPair(results: readonly ContestResult[], pairs: number): ContestResult[] {
  const scaled = (samples: readonly number[]) => samples.map((sample) => sample / pairs);
  return results.map((result) => ({
    ...result,
    samples: scaled(result.samples),
    median: result.median / pairs,
    metered: Object.fromEntries(
      Object.entries(result.metered).map(([name, samples]) => [name, scaled(samples)]),
    ),
  }));
}
