import type { Case } from '../harness/case.js';
import { inChild } from '../harness/in-child.js';
import { atMost, type Goal } from '../harness/report.js';
import { median } from '../harness/statistics.js';
import type { TimeRequestsInput, TimeRequestsOutput } from './children/time-requests.js';
import type { EnginesCaseOptions } from './run-size.js';

const REQUESTS_PER_SECOND = 10_000;
const MAX_ADDED_MS = 5;
const MEASURES = ['p999Ms', 'longestTurnMs'] as const;

/** How much longer requests wait while a snapshot is written. */
export const snapshots: Case<EnginesCaseOptions> = {
  name: 'snapshots',
  measure: async ({ runSize: { snapshotPairs: pairCount, snapshotRounds: rounds }, progress }) => {
    progress('requests while a snapshot is written…');
    const input: TimeRequestsInput = { pairCount, rounds, requestsPerSecond: REQUESTS_PER_SECOND };
    const found = await inChild<TimeRequestsOutput>('engines/children/time-requests', input);
    const row = (name: string, phase: keyof TimeRequestsOutput[number]) => [
      name,
      ...MEASURES.map((measure) => median(found.map((round) => round[phase][measure]))),
    ];
    const goal = (measured: string, measure: (typeof MEASURES)[number]): Goal => {
      const added = found.map(({ calm, duringSnapshot }) => duringSnapshot[measure] - calm[measure]);
      const text = `a snapshot adds at most ${MAX_ADDED_MS} ms to ${measured}`;
      return atMost(text, 'ms', added, MAX_ADDED_MS);
    };
    return {
      tables: [
        {
          title: `Requests while a snapshot of ${pairCount.toLocaleString('en')} pairs is written`,
          note:
            `${REQUESTS_PER_SECOND.toLocaleString('en')} requests a second, a fifth of them writes, each due at a fixed ` +
            'moment: how long after it they were answered. A turn is one of the event loop, without the time in which ' +
            `other programs had its processor. Medians of ${rounds} rounds, each as long without a snapshot as with one.`,
          columns: [
            { title: '' },
            { title: '99.9% of requests', unit: 'ms' },
            { title: 'longest turn', unit: 'ms' },
          ],
          rows: [row('without', 'calm'), row('during', 'duringSnapshot')],
        },
      ],
      goals: [
        goal('the longest turn of the event loop', 'longestTurnMs'),
        goal('the wait of 99.9% of requests', 'p999Ms'),
      ],
    };
  },
};
