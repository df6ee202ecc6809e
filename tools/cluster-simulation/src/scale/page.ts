import type { ScaleFigures, Spread } from './figures.js';
import type { RecoveryLoad } from './recovery.js';

/** The sizes of clusters on the page. */
export const NODE_COUNTS = [10, 100, 1000] as const;

/** The load of the clusters on the page, which its text names. */
export const LOAD: RecoveryLoad = { nodeBytes: 10e9, bytesPerSecond: 50e6 };

/** Puts the table between the comments of the page. */
export function withTable(page: string, table: string): string {
  if (!TABLE.test(page)) throw new Error('the page has no comments around its table');
  return page.replace(TABLE, `\n${table}\n\n`);
}

/** Returns the table between the comments of the page, one array of cells for each row. */
export function rowsIn(page: string): string[][] {
  return (TABLE.exec(page)?.[0] ?? '')
    .split('\n')
    .filter((line) => line.startsWith('|') && !line.startsWith('| -'))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
}

/** Returns the figures as a Markdown table, with a column for each size. */
export function toTable(figures: readonly ScaleFigures[]): string {
  const cells = rowsOf(figures);
  const widths = (cells[0] ?? []).map((_, at) => Math.max(...cells.map((row) => row[at]?.length ?? 0)));
  const pad = (text: string, at: number) =>
    at === 0 ? text.padEnd(widths[at] ?? 0) : text.padStart(widths[at] ?? 0);
  const [head = [], ...rows] = cells.map((row) => `| ${row.map(pad).join(' | ')} |`);
  const rule = widths.map((width, at) => (at === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [head, `| ${rule.join(' | ')} |`, ...rows].join('\n');
}

/** Returns the rows of the table with its head. */
export function rowsOf(figures: readonly ScaleFigures[]): string[][] {
  return [
    ['', ...figures.map(({ nodeCount }) => `${count(nodeCount)} nodes`)],
    ...ROWS.map(([title, cell]) => [title, ...figures.map(cell)]),
  ];
}

const ROWS: readonly (readonly [title: string, cell: (of: ScaleFigures) => string])[] = [
  ['the topology as JSON', (of) => `${count(of.topologyBytes / 1e3)} kB`],
  ['a request for one change', (of) => `${count(of.changeBytes)} B`],
  [
    'topologies that the leading proxy sends, if there is a change each second',
    (of) => `${((of.topologyBytes * of.nodeCount) / 1e6).toFixed(1)} MB/s`,
  ],
  ['partitions that a node serves', ({ primaries }) => range(primaries)],
  ['copies that a node has', ({ copies }) => range(copies)],
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

function range({ least, most }: Spread): string {
  return `${count(least)} to ${count(most)}`;
}

function ratio({ mean, most }: Spread): string {
  return (most / mean).toFixed(2);
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en');
}

/** The part of the page that the program writes. */
const TABLE = /(?<=<!-- figures -->\n).*?(?=<!-- end of figures -->)/s;
