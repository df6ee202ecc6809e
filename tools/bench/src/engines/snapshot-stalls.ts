import type { Findings } from '../harness/report.js';
import { atMost } from '../harness/report.js';
import { median } from '../harness/statistics.js';
import type { TimeRequestsInput, TimeRequestsOutput, Waits } from './children/time-requests.js';
import { inChild } from './in-child.js';
import type { EnginesScale } from './scale.js';

const REQUESTS_PER_SECOND = 10_000;
/** What the documentation calls a few milliseconds. */
const FEW_MS = 5;

/** How much longer requests wait while a snapshot is written. */
export async function measureSnapshotStalls(
  { snapshotPairCount, snapshotRounds }: EnginesScale,
  progress: (message: string) => void,
): Promise<Findings> {
  progress('requests while a snapshot is written…');
  const { rounds } = await inChild<TimeRequestsOutput>('time-requests', {
    pairCount: snapshotPairCount,
    rounds: snapshotRounds,
    requestsPerSecond: REQUESTS_PER_SECOND,
  } satisfies TimeRequestsInput);
  const calm = rounds.map((round) => round.calm);
  const during = rounds.map((round) => round.duringSnapshot);
  const row = (name: string, waits: readonly Waits[]) => [
    name,
    ...MEASURES.map((measure) => median(waits.map((each) => each[measure]))),
    Math.max(...waits.map(({ longestTurn }) => longestTurn)),
  ];
  const added = (measure: Measure) =>
    median(rounds.map((round) => round.duringSnapshot[measure] - round.calm[measure]));
  const pairs = snapshotPairCount.toLocaleString('en');
  return {
    tables: [
      {
        title: 'Requests while a snapshot is written',
        note:
          `Of ${pairs} pairs of 16 and 100 bytes, which takes ${seconds(rounds)}. ` +
          `${REQUESTS_PER_SECOND.toLocaleString('en')} requests a second, a fifth of them` +
          ' writes, each due at a fixed moment: how long after it they were answered, the medians of ' +
          `${snapshotRounds} rounds, each with as long a time without a snapshot as with one. ` +
          'Then the longest turn of the event loop, without the time in which other programs had its processor.',
        columns: [
          { title: '' },
          { title: 'half', unit: 'ms' },
          { title: '99%', unit: 'ms' },
          { title: '99.9%', unit: 'ms' },
          { title: 'longest', unit: 'ms' },
          { title: 'longest turn', unit: 'ms' },
          { title: 'of all rounds', unit: 'ms' },
        ],
        rows: [row('without', calm), row('with', during)],
      },
    ],
    goals: [
      atMost(
        `a snapshot adds at most ${FEW_MS} ms to the longest turn of the event loop`,
        'ms',
        added('longestTurn'),
        FEW_MS,
      ),
      atMost(`a snapshot adds at most ${FEW_MS} ms to what 99.9% wait`, 'ms', added('p999'), FEW_MS),
      atMost(`a snapshot adds at most ${FEW_MS} ms to the longest wait`, 'ms', added('longest'), FEW_MS),
    ],
  };
}

const MEASURES = ['median', 'p99', 'p999', 'longest', 'longestTurn'] as const;
type Measure = (typeof MEASURES)[number];

function seconds(rounds: TimeRequestsOutput['rounds']): string {
  return `${(median(rounds.map(({ snapshotMs }) => snapshotMs)) / 1000).toFixed(1)} s`;
}
