import type { Findings } from '../harness/report.js';
import { toChart } from './chart.js';
import { equalNodes, idOf } from './nodes.js';
import { strategies, type Strategy } from './peers.js';
import type { RingScale } from './scale.js';

/** How a strategy distributes keys, and which of them a new node moves. */
export interface Placement {
  readonly name: string;
  readonly keyCount: number;
  /** Each node's keys, as a multiple of the mean. */
  readonly loads: readonly number[];
  /** The keys that moved to the new node, as a multiple of its fair share. */
  readonly movedToNew: number;
  /** The keys that moved between the other nodes, in the same unit. */
  readonly movedBetweenOthers: number;
}

/** Measures balance and movement among many nodes, where chance needs very many keys to be small. */
export function measureThousandNodes(scale: RingScale, progress: (message: string) => void): Findings {
  const { placedNodeCount: nodeCount, placedKeyCount, sampledKeyCount } = scale;
  const placements = strategies.map((strategy) => {
    progress(`${strategy.name} with ${nodeCount} nodes…`);
    return place(strategy, nodeCount, strategy.isSlow ? sampledKeyCount : placedKeyCount);
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

/** Looks up every key before and after a node is added. Nothing is estimated. */
function place({ name, build }: Strategy, nodeCount: number, keyCount: number): Placement {
  const nodes = equalNodes(nodeCount);
  const added = { id: idOf(nodeCount), weight: 1 };
  const before = build(nodes);
  const after = before.add(added);
  const counts = new Map(nodes.map(({ id }) => [id, 0]));
  let toNew = 0;
  let betweenOthers = 0;
  for (let index = 0; index < keyCount; index++) {
    const key = `key-${index}`;
    const from = before.lookup(key) ?? '';
    const to = after.lookup(key);
    counts.set(from, (counts.get(from) ?? 0) + 1);
    if (to === added.id) toNew++;
    else if (to !== from) betweenOthers++;
  }
  const fairShare = keyCount / (nodeCount + 1);
  return {
    name,
    keyCount,
    loads: Array.from(counts.values(), (count) => (count * nodeCount) / keyCount),
    movedToNew: toNew / fairShare,
    movedBetweenOthers: betweenOthers / fairShare,
  };
}
