import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { MemoryEngine, systemClock } from '@kvs/kv-store';
import { ManualTime } from '@kvs/protocol/testing';
import { childInput, childOutput } from '../../harness/in-child.js';
import { seededRandom } from '../../harness/random.js';
import { quantile } from '../../harness/statistics.js';
import { batchAt, pairBatches, SIZES } from '../pairs.js';
import { runDelay } from './run-delay.js';

/** Asks a memory engine while it writes snapshots, and as long while it writes none. */

export interface TimeRequestsInput {
  /** The contents of the snapshots. */
  readonly pairCount: number;
  readonly rounds: number;
  readonly requestsPerSecond: number;
}

/** One for each round. */
export type TimeRequestsOutput = readonly { readonly calm: Waits; readonly duringSnapshot: Waits }[];

export interface Waits {
  /** How long after they were due 99.9% of the requests were answered. */
  readonly p999Ms: number;
  /** The longest turn of the event loop, without the time in which it had no processor. */
  readonly longestTurnMs: number;
}

const INTERVAL_MS = 1000;
const REQUEST_COUNT = 10_000;
const { pairCount, rounds, requestsPerSecond } = childInput<TimeRequestsInput>();

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
  for (const { writes } of pairBatches(SIZES, pairCount, 100)) engine.setMany(writes);
  const request = requestsOf(engine);
  const oneSnapshot = async () => {
    const writtenBefore = snapshotsWritten;
    const startMs = performance.now();
    scheduler.advanceMs(INTERVAL_MS);
    const waits = await timed(() => snapshotsWritten > writtenBefore, request);
    // The engine schedules the next snapshot.
    await setImmediate();
    return { waits, ms: performance.now() - startMs };
  };

  // The first one warms up.
  let { ms } = await oneSnapshot();
  const results: TimeRequestsOutput[number][] = [];
  for (let round = 0; round < rounds; round++) {
    const calmUntilMs = performance.now() + ms;
    const calm = await timed(() => performance.now() >= calmUntilMs, request);
    const snapshot = await oneSnapshot();
    ms = snapshot.ms;
    results.push({ calm, duringSnapshot: snapshot.waits });
  }
  return results;
}

/** Returns a function that reads or writes a pair of the engine, in all partitions. A fifth of the requests are writes. */
function requestsOf(engine: MemoryEngine): () => void {
  const random = seededRandom(2);
  const batches = Array.from({ length: REQUEST_COUNT }, () => batchAt(SIZES, random() % pairCount, 1));
  return () => {
    const batch = batches[random() % REQUEST_COUNT];
    if (batch === undefined) throw new RangeError('there are no requests');
    if (random() % 5 === 0) engine.setMany(batch.writes);
    else engine.getMany(batch.keys);
  };
}

/** Makes requests at fixed moments, as a network would. During a long turn of the event loop, all due requests wait. */
async function timed(isOver: () => boolean, request: () => void): Promise<Waits> {
  const intervalMs = 1000 / requestsPerSecond;
  const waits: number[] = [];
  const delay = runDelay();
  let longestTurnMs = 0;
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
    longestTurnMs = Math.max(longestTurnMs, turnEnd - turnStart);
    turnStart = turnEnd;
  }
  return { p999Ms: quantile(waits, 0.999), longestTurnMs };
}

function fail(message: string): never {
  throw new Error(message);
}
