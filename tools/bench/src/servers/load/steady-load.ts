import { setTimeout } from 'node:timers/promises';
import type { Table } from '../../harness/report.js';
import { median, ratios } from '../../harness/statistics.js';
import { requestsFor, type Operation, type Pair } from '../requests.js';
import type { LoadOutcome } from './load.js';
import { LoadProcess } from './load-process.js';

/** Before an event, during it, and afterwards, when requests that were in flight at its end may still fail. */
type Phase = 'without' | 'during' | 'after';

interface PhaseOutcome extends LoadOutcome {
  readonly operation: Operation;
  readonly phase: Phase;
}

export interface SteadyLoadOptions {
  readonly warmUpSeconds: number;
  /** How long requests are measured without an event. */
  readonly watchSeconds: number;
}

/** Requests for single pairs at a steady rate, before and during the events of some rounds. */
export class SteadyLoad {
  readonly #outcomes: PhaseOutcome[] = [];

  constructor(
    readonly operations: readonly Operation[],
    readonly options: SteadyLoadOptions,
  ) {}

  /** Takes a round: sends requests without anything else for a while, and then during an event. */
  async during(origin: string, pairs: readonly Pair[], event: () => Promise<void>): Promise<void> {
    const { warmUpSeconds, watchSeconds } = this.options;
    const requestsPerSecond = REQUESTS_PER_SECOND / this.operations.length;
    const running: { readonly operation: Operation; readonly load: LoadProcess }[] = [];
    const read = async (phase: Phase, outcomeOf: (load: LoadProcess) => Promise<LoadOutcome>) => {
      const outcomes = running.map(async ({ operation, load }) => {
        return { ...(await outcomeOf(load)), operation, phase };
      });
      this.#outcomes.push(...(await Promise.all(outcomes)));
    };
    try {
      for (const operation of this.operations) {
        const requests = requestsFor(operation, pairs, 1);
        const load = await LoadProcess.start({ origin, requests, connections: 16, requestsPerSecond });
        running.push({ operation, load });
      }
      await setTimeout(warmUpSeconds * 1000);
      await read('without', (load) => load.measure(watchSeconds));
      await event();
      await read('during', (load) => load.cut());
      await read('after', (load) => load.measure(watchSeconds));
    } finally {
      await Promise.all(running.map(({ load }) => load.stop()));
    }
  }

  /** The requests that failed in any phase. */
  get failures(): number {
    return this.#outcomes.reduce((sum, { failures }) => sum + failures, 0);
  }

  /** Returns the 99th percentile of each round. */
  p99s(operation: Operation, phase: Phase): number[] {
    return this.#values(operation, phase, 'p99Ms');
  }

  /** Returns for each round how many times as long the 99th percentile is during the event as without it. */
  p99Ratios(operation: Operation): number[] {
    return ratios(this.p99s(operation, 'during'), this.p99s(operation, 'without'));
  }

  /** Returns a table of latencies, as medians of the rounds. */
  table(title: string, note: string): Table {
    const row = (operation: Operation, phase: Phase) => [
      `${REQUESTS_OF[operation]}, ${phase}`,
      median(this.#values(operation, phase, 'p50Ms')),
      median(this.p99s(operation, phase)),
    ];
    return {
      title,
      note: `${REQUESTS_PER_SECOND} requests a second for single pairs, sent evenly. ${note}`,
      columns: [{ title: '' }, { title: 'p50', unit: 'ms' }, { title: 'p99', unit: 'ms' }],
      rows: this.operations.flatMap((each) => [row(each, 'without'), row(each, 'during')]),
    };
  }

  #values(operation: Operation, phase: Phase, part: keyof LoadOutcome): number[] {
    return this.#outcomes
      .filter((each) => each.operation === operation && each.phase === phase)
      .map((each) => each[part]);
  }
}

/** For tables and goals. */
export const REQUESTS_OF = { set: 'writes', query: 'queries', fetch: 'reads' } as const;

/** Of all operations together. */
const REQUESTS_PER_SECOND = 500;
