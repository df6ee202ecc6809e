import { setTimeout } from 'node:timers/promises';
import type { Table } from '../harness/report.js';
import { median } from '../harness/statistics.js';
import type { LoadOutcome } from '../servers/load/load.js';
import { LoadProcess } from '../servers/load/load-process.js';
import { requestsFor, type Pair } from '../servers/requests.js';
import type { ClusterScale } from './scale.js';

const STEADY = { connections: 16, requestsPerSecond: 250 };

/** How requests for single pairs fared before an event, and during it. */
export interface Watched {
  readonly writes: Phases;
  readonly reads: Phases;
  /** Requests that failed at any time. */
  readonly failures: number;
}

interface Phases {
  readonly without: LoadOutcome;
  readonly during: LoadOutcome;
}

/** Sends writes and reads at a steady rate, first without anything else and then during an event. */
export async function watchDuring(
  origin: string,
  pairs: readonly Pair[],
  { warmUpSeconds, watchSeconds }: ClusterScale,
  event: () => Promise<void>,
): Promise<Watched> {
  const loads: LoadProcess[] = [];
  const start = async (operation: 'set' | 'fetch'): Promise<LoadProcess> => {
    const load = await LoadProcess.start({ origin, requests: requestsFor(operation, pairs, 1), ...STEADY });
    loads.push(load);
    return load;
  };
  try {
    const [writes, reads] = [await start('set'), await start('fetch')];
    const measure = () => Promise.all([writes.measure(watchSeconds), reads.measure(watchSeconds)]);
    await setTimeout(warmUpSeconds * 1000);
    const without = await measure();
    await event();
    const during = await Promise.all([writes.cut(), reads.cut()]);
    // Requests that were in flight at the end of the event may still fail.
    const after = await measure();
    const failures = [...without, ...during, ...after].reduce((sum, each) => sum + each.failures, 0);
    return {
      writes: { without: without[0], during: during[0] },
      reads: { without: without[1], during: during[1] },
      failures,
    };
  } finally {
    await Promise.all(loads.map((load) => load.stop()));
  }
}

/** Returns a table of latencies, as medians of the rounds. */
export function steadyTable(title: string, note: string, rounds: readonly Watched[]): Table {
  const row = (name: string, outcomes: readonly LoadOutcome[]) => [
    name,
    ...(['p50Ms', 'p99Ms', 'p999Ms'] as const).map((part) => median(outcomes.map((each) => each[part]))),
    outcomes.reduce((sum, { requests }) => sum + requests, 0),
  ];
  return {
    title,
    note: `${STEADY.requestsPerSecond} writes and as many reads a second of single pairs, sent evenly. ${note}`,
    columns: [
      { title: '' },
      { title: 'p50', unit: 'ms' },
      { title: 'p99', unit: 'ms' },
      { title: 'p99.9', unit: 'ms' },
      { title: 'requests', unit: 'count' },
    ],
    rows: (['writes', 'reads'] as const).flatMap((kind) =>
      (['without', 'during'] as const).map((phase) =>
        row(
          `${kind}, ${phase}`,
          rounds.map((each) => each[kind][phase]),
        ),
      ),
    ),
  };
}

/** Returns the failed requests of all rounds. */
export function failuresOf(rounds: readonly Watched[]): number {
  return rounds.reduce((sum, { failures }) => sum + failures, 0);
}
