import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { MemoryEngine, systemClock } from '@kvs/kv-store';
import { ManualTime } from '@kvs/protocol/testing';
import { seededRandom } from '../../harness/random.js';
import { quantile } from '../../harness/statistics.js';
import { childInput, childOutput } from '../../harness/in-child.js';
import { pairBatches, type PairShape } from '../pairs.js';
import { runDelay } from './run-delay.js';

export interface TimeRequestsInput {
  /** The contents of the snapshot besides the small pairs that requests use. */
  readonly shape: PairShape;
  readonly pairCount: number;
  readonly rounds: number;
  readonly requestsPerSecond: number;
}

export interface TimeRequestsOutput {
  readonly rounds: readonly {
    readonly calm: Waits;
    readonly duringSnapshot: Waits;
    readonly snapshotMs: number;
  }[];
}

/** How long after they were due requests were answered, in milliseconds. */
export interface Waits {
  readonly requests: number;
  readonly median: number;
  readonly p99: number;
  readonly p999: number;
  readonly longest: number;
  /** The longest turn of the event loop, without the time in which it had no processor. */
  readonly longestTurn: number;
}

const INTERVAL_MS = 1000;
const REQUEST_COUNT = 10_000;
const NO_PAIRS = { keys: [], writes: [] };
const SMALL = { name: 'records', keyBytes: 16, valueBytes: 100, encoding: 'string' } as const;
const { shape, pairCount, rounds, requestsPerSecond } = childInput<TimeRequestsInput>();

const directory = await mkdtemp(join(tmpdir(), 'kvs-bench-snapshot-'));
try {
  childOutput(await timeRounds());
} finally {
  await rm(directory, { recursive: true });
}

async function timeRounds(): Promise<TimeRequestsOutput> {
  let snapshotsWritten = 0;
  const scheduler = new ManualTime();
  const log = {
    info: (message: string): void => {
      if (message.startsWith('wrote')) snapshotsWritten++;
    },
    warn: fail,
    error: fail,
  };
  const engine = await MemoryEngine.open({
    clock: systemClock,
    scheduler,
    maxMemoryBytes: 4 * 1024 ** 3,
    snapshot: { directory, intervalMs: INTERVAL_MS, log },
  });
  for (const { writes } of pairBatches(shape, pairCount, 1)) engine.setMany(writes);
  // Requests are for pairs in all partitions.
  const requests = [...pairBatches(SMALL, REQUEST_COUNT, 1, 2)];
  for (const { writes } of requests) engine.setMany(writes);
  const random = seededRandom(2);
  const load = (isOver: () => boolean): Promise<Waits> =>
    timed(isOver, () => {
      const { keys, writes } = requests[random() % requests.length] ?? NO_PAIRS;
      if (random() % 5 === 0) engine.setMany(writes);
      else engine.getMany(keys);
    });
  const oneSnapshot = async () => {
    const writtenBefore = snapshotsWritten;
    const start = performance.now();
    scheduler.advanceMs(INTERVAL_MS);
    const waits = await load(() => snapshotsWritten > writtenBefore);
    // The engine schedules the next snapshot.
    await setImmediate();
    return { waits, ms: performance.now() - start };
  };

  // The first one warms up.
  let { ms: snapshotMs } = await oneSnapshot();
  const results: TimeRequestsOutput['rounds'][number][] = [];
  for (let round = 0; round < rounds; round++) {
    const calmUntil = performance.now() + snapshotMs;
    const calm = await load(() => performance.now() >= calmUntil);
    const { waits: duringSnapshot, ms } = await oneSnapshot();
    snapshotMs = ms;
    results.push({ calm, duringSnapshot, snapshotMs });
  }
  return { rounds: results };
}

/** Makes requests at fixed moments, as a network would. During a long turn of the event loop, all due requests wait. */
async function timed(isOver: () => boolean, request: () => void): Promise<Waits> {
  const intervalMs = 1000 / requestsPerSecond;
  const waits: number[] = [];
  const delay = runDelay();
  let longestTurn = 0;
  const start = performance.now();
  let turnStart = start - delay();
  while (!isOver()) {
    for (;;) {
      const due = start + waits.length * intervalMs;
      if (performance.now() < due) break;
      request();
      waits.push(performance.now() - due);
    }
    await setImmediate();
    const turnEnd = performance.now() - delay();
    longestTurn = Math.max(longestTurn, turnEnd - turnStart);
    turnStart = turnEnd;
  }
  return {
    requests: waits.length,
    median: quantile(waits, 0.5),
    p99: quantile(waits, 0.99),
    p999: quantile(waits, 0.999),
    longest: quantile(waits, 1),
    longestTurn,
  };
}

function fail(message: string): never {
  throw new Error(message);
}
