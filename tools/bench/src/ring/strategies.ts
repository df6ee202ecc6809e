import { compete } from '../harness/contest.js';
import type { ReportPart } from '../harness/report.js';
import { distribute } from './distribution.js';
import { lookups } from './lookups.js';
import { equalNodes } from './nodes.js';
import { strategies } from './peers.js';
import type { RingRunSize } from './run-size.js';
import { countedKeys } from './shares.js';

/** Compares the strategies of ours. */
export function measureStrategies(runSize: RingRunSize): ReportPart {
  const keys = countedKeys(runSize);
  const { nodeCounts } = runSize;
  const results = compete(
    strategies.flatMap((strategy) => nodeCounts.map((count) => lookups(strategy, count, runSize))),
    { rounds: runSize.lookupRounds, turnMs: runSize.turnMs, warmUpMs: runSize.warmUpMs },
  );
  const counted = nodeCounts.slice(0, -1);
  const rows = strategies.map((strategy, at) => {
    const times = results.slice(at * nodeCounts.length, (at + 1) * nodeCounts.length);
    const found = counted.map((count) => distribute(strategy, equalNodes(count), keys));
    return [
      strategy.name,
      ...times.map(({ median }) => median),
      ...found.map(({ loads }) => Math.max(...loads)),
      ...found.map(({ movedBetweenOthers }) => movedBetweenOthers),
    ];
  });
  return {
    tables: [
      {
        title: 'Strategies',
        note:
          'The CPU time of a lookup by the number of nodes; the load of the fullest node relative to the mean; and what a ' +
          'new node moves between the others, as a multiple of its fair share.',
        columns: [
          { title: '' },
          ...nodeCounts.map((count) => ({ title: `of ${count}`, unit: 'ns' as const })),
          ...counted.map((count) => ({ title: `fullest of ${count}`, unit: 'ratio' as const })),
          ...counted.map((count) => ({ title: `moved between ${count}`, unit: 'ratio' as const })),
        ],
        rows,
      },
    ],
    goals: [],
  };
}
