import type { Outcome } from './simulation.js';

/** Returns the outcomes as a Markdown table. */
export function toTable(outcomes: readonly Outcome[]): string {
  const head = [
    'strategy',
    'keys',
    'fullest / mean',
    'standard deviation',
    'of it by chance',
    'moved to the new',
    'moved between others',
  ];
  const rows = outcomes.map((outcome) => [
    outcome.name,
    outcome.keyCount.toLocaleString('en'),
    outcome.fullest.toFixed(3),
    outcome.standardDeviation.toFixed(4),
    // The deviation that random keys alone cause for perfectly even nodes.
    Math.sqrt((outcome.loads.length - 1) / outcome.keyCount).toFixed(4),
    outcome.movedToNew.toFixed(2),
    outcome.movedBetweenOthers.toFixed(2),
  ]);
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const pad = (cell: string, at: number) =>
    at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0);
  const rule = widths.map((width, at) => (at === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [head.map(pad), rule, ...rows.map((row) => row.map(pad))]
    .map((cells) => `| ${cells.join(' | ')} |\n`)
    .join('');
}
