import type { ReportPart } from '../harness/report.js';
import { toChart, type Placement } from './chart.js';
import { distribute } from './distribution.js';
import { equalNodes } from './nodes.js';
import { strategies } from './peers.js';
import type { RingRunSize } from './run-size.js';

/** Measures balance and movement among many nodes, where chance needs very many keys to be small. */
export function measureThousandNodes(runSize: RingRunSize, progress: (message: string) => void): ReportPart {
  const { placedNodeCount: nodeCount, placedKeyCount, sampledKeyCount } = runSize;
  const placements = strategies.map((strategy): Placement => {
    const { name, isSlow } = strategy;
    progress(`${name} with ${nodeCount} nodes…`);
    const keyCount = isSlow ? sampledKeyCount : placedKeyCount;
    const keys = { count: keyCount, at: (index: number) => `key-${index}` };
    return { name, keyCount, ...distribute(strategy, equalNodes(nodeCount), keys) };
  });
  return {
    tables: [
      {
        title: `Strategies with ${nodeCount.toLocaleString('en')} nodes`,
        note:
          'Each key is looked up before and after a node is added. Strategies with slow lookups get fewer keys. By chance is ' +
          'the standard deviation of as many keys on perfectly even nodes. Moved is in fair shares of the new node.',
        columns: [
          { title: 'strategy' },
          { title: 'keys', unit: 'count' },
          { title: 'fullest / mean', unit: 'ratio' },
          { title: 'standard deviation', unit: 'share' },
          { title: 'of it by chance', unit: 'share' },
          { title: 'moved to the new', unit: 'ratio' },
          { title: 'moved between others', unit: 'ratio' },
        ],
        rows: placements.map(({ name, keyCount, loads, movedToNew, movedBetweenOthers }) => [
          name,
          keyCount,
          Math.max(...loads),
          Math.sqrt(loads.reduce((sum, load) => sum + (load - 1) ** 2, 0) / nodeCount),
          Math.sqrt((nodeCount - 1) / keyCount),
          movedToNew,
          movedBetweenOthers,
        ]),
      },
    ],
    goals: [],
    chart: toChart(placements),
  };
}
