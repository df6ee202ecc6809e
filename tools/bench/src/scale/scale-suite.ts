import { reportOf, type Report, type Table } from '../harness/report.js';
import type { Suite, SuiteOptions } from '../harness/suite.js';
import { figuresOf, type Range, type ScaleFigures } from './figures.js';
import type { RecoveryLoad } from './recovery.js';

/** The sizes of clusters on the page. */
const NODE_COUNTS = [10, 100, 1000];

/** The load of the clusters, which the text of the page names. */
const LOAD: RecoveryLoad = { nodeBytes: 10e9, bytesPerSecond: 50e6 };

/** The real planner with many nodes, in virtual time. The figures are the same on every machine. */
export const scaleSuite: Suite = {
  name: 'scale',
  description: 'how a cluster grows, counted in virtual time',
  documents: { tables: 'docs/scale.md' },
  run: async ({ quick, progress }) => measureScale(quick ? NODE_COUNTS.slice(0, 1) : NODE_COUNTS, progress),
};

export function measureScale(nodeCounts: readonly number[], progress: SuiteOptions['progress']): Report {
  const figures = nodeCounts.map((nodeCount) => {
    progress(`${nodeCount} nodes…`);
    return figuresOf(nodeCount, LOAD);
  });
  return reportOf('scale', [{ tables: [toTable(figures)], goals: [] }]);
}

/** Returns a table of the figures, with a column for each size. */
export function toTable(figures: readonly ScaleFigures[]): Table {
  return {
    title: 'Figures',
    columns: [
      { title: '' },
      ...figures.map(({ nodeCount }) => ({ title: `${count(nodeCount)} nodes`, unit: 'count' as const })),
    ],
    rows: ROWS.map(([title, cell]) => [title, ...figures.map(cell)]),
  };
}

const ROWS: readonly (readonly [title: string, cell: (of: ScaleFigures) => string])[] = [
  ['the topology as JSON', (of) => `${count(of.topologyBytes / 1e3)} kB`],
  ['a request for one change', (of) => `${count(of.changeBytes)} B`],
  [
    'topologies that the leading proxy sends, if there is a change each second',
    (of) => `${((of.topologyBytes * of.nodeCount) / 1e6).toFixed(1)} MB/s`,
  ],
  ['partitions that a node serves', ({ primaries }) => fromTo(primaries)],
  ['copies that a node has', ({ copies }) => fromTo(copies)],
  ['partitions served: most / mean', ({ primaries }) => ratio(primaries)],
  ['copies: most / mean', ({ copies }) => ratio(copies)],
  ['peers of a node: mean, most', ({ peers }) => `${peers.mean.toFixed(1)}, ${peers.most}`],
  [
    'beacons that a node sends per second: mean, most',
    ({ peers, beaconsPerSecond }) =>
      `${(peers.mean * beaconsPerSecond).toFixed(1)}, ${peers.most * beaconsPerSecond}`,
  ],
  ['links that a node opens to other nodes', ({ nodeCount }) => count(nodeCount - 1)],
  ['links that a proxy opens', ({ nodeCount }) => count(nodeCount)],
  ['routes that a proxy holds', ({ routes }) => count(routes)],
  ['reports that the leading proxy answers per second', ({ nodeCount }) => count(nodeCount)],
  ['bytes of a partition', ({ recovery }) => `${count(recovery.partitionBytes / 1e6)} MB`],
  ['copies of a dead node to make anew', ({ recovery }) => count(recovery.copies)],
  ['most moves at once', ({ recovery }) => count(recovery.mostMovesAtOnce)],
  ['time to make them anew', ({ recovery }) => `${count(recovery.durationMs / 1000)} s`],
];

function fromTo({ least, most }: Range): string {
  return `${count(least)} to ${count(most)}`;
}

function ratio({ mean, most }: Range): string {
  return (most / mean).toFixed(2);
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en');
}
