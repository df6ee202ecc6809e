import type { Findings, Goal } from '../harness/report.js';
import { atMost } from '../harness/report.js';
import { median } from '../harness/statistics.js';
import type { TimeRequestsInput, TimeRequestsOutput, Waits } from './children/time-requests.js';
import { inChild } from '../harness/in-child.js';
import type { EnginesScale } from './scale.js';

const REQUESTS_PER_SECOND = 10_000;
const FEW_MS = 5;

/** Measures how much longer requests wait while a snapshot is written. */
export async function measureSnapshotStalls(
  { snapshots, snapshotRounds }: EnginesScale,
  progress: (message: string) => void,
): Promise<Findings> {
  const timed: Timed[] = [];
  for (const { shape, pairCount } of snapshots) {
    progress(`requests while a snapshot of values of ${shape.name} is written…`);
    const input = { shape, pairCount, rounds: snapshotRounds, requestsPerSecond: REQUESTS_PER_SECOND };
    const { rounds } = await inChild<TimeRequestsOutput>(
      'engines/children/time-requests',
      input satisfies TimeRequestsInput,
    );
    timed.push({ name: `${pairCount.toLocaleString('en')} of ${shape.name}`, rounds });
  }
  return {
    tables: [
      {
        title: 'Requests while a snapshot is written',
        note:
          `${REQUESTS_PER_SECOND.toLocaleString('en')} requests a second for small pairs, a fifth of them` +
          ' writes, each due at a fixed moment: how long after it they were answered, the medians of ' +
          `${snapshotRounds} rounds, each with as long a time without a snapshot as with one. ` +
          'Then the longest turn of the event loop, without the time in which other programs had its processor.',
        columns: [
          { title: 'values' },
          { title: 'snapshot' },
          { title: 'half', unit: 'ms' },
          { title: '99%', unit: 'ms' },
          { title: '99.9%', unit: 'ms' },
          { title: 'longest', unit: 'ms' },
          { title: 'longest turn', unit: 'ms' },
          { title: 'of all rounds', unit: 'ms' },
        ],
        rows: timed.flatMap(({ name, rounds }) => [
          [name, 'none', ...measuresOf(rounds.map(({ calm }) => calm))],
          [
            name,
            `takes ${seconds(rounds)}`,
            ...measuresOf(rounds.map(({ duringSnapshot }) => duringSnapshot)),
          ],
        ]),
      },
    ],
    goals: timed.flatMap(goalsOf),
  };
}

interface Timed {
  readonly name: string;
  readonly rounds: TimeRequestsOutput['rounds'];
}

function measuresOf(waits: readonly Waits[]): number[] {
  return [
    ...MEASURES.map((measure) => median(waits.map((each) => each[measure]))),
    Math.max(...waits.map(({ longestTurn }) => longestTurn)),
  ];
}

function goalsOf({ name, rounds }: Timed): Goal[] {
  const added = (measure: Measure): number =>
    median(rounds.map((round) => round.duringSnapshot[measure] - round.calm[measure]));
  const goal = (what: string, measure: Measure): Goal =>
    atMost(`a snapshot of ${name} adds at most ${FEW_MS} ms to ${what}`, 'ms', added(measure), FEW_MS);
  return [
    goal('the longest turn of the event loop', 'longestTurn'),
    goal('what 99.9% wait', 'p999'),
    goal('the longest wait', 'longest'),
  ];
}

const MEASURES = ['median', 'p99', 'p999', 'longest', 'longestTurn'] as const;
type Measure = (typeof MEASURES)[number];

function seconds(rounds: TimeRequestsOutput['rounds']): string {
  return `${(median(rounds.map(({ snapshotMs }) => snapshotMs)) / 1000).toFixed(1)} s`;
}
