import type { Report, Table } from '../harness/report.js';
import { rounded, svgImage } from '../harness/svg.js';

const WIDTH = 860;
const TOP = 34;
const TITLE = 30;
const ROW = 24;
const BARS = { left: 330, width: 430 };

/**
 * Draws a bar for each server of each table that compares with raw: its requests per second as a multiple of raw's.
 */
export function toChart({ tables }: Report): string {
  const groups = tables.flatMap(toGroup);
  const max = Math.max(1, ...groups.flatMap(({ bars }) => bars.map(({ ratio }) => ratio)));
  const perUnit = BARS.width / max;
  const parts: string[] = [];
  let y = TOP;
  for (const { title, bars } of groups) {
    parts.push(`<text class="name" x="10" y="${y + 18}">${escape(title)}</text>`);
    y += TITLE;
    for (const bar of bars) {
      parts.push(toBar(bar, y, perUnit));
      y += ROW;
    }
  }
  const x = rounded(BARS.left + perUnit);
  const [left, top] = [BARS.left, TOP];
  return svgImage(
    { width: WIDTH, height: y + 10 },
    'Requests per second of each server, as a ratio to a bare node:http server',
    ['.kvs { fill: #2f81f7; }', '.other { fill: #d4761f; }'],
    [
      `<text class="name" x="${left}" y="20">Requests/s, raw is 1</text>`,
      `<rect class="kvs" x="${left + 155}" y="11" width="9" height="9"/><text class="quiet" x="${left + 169}" y="20">kvs</text>`,
      `<rect class="other" x="${left + 205}" y="11" width="9" height="9"/><text class="quiet" x="${left + 219}" y="20">others</text>`,
      ...parts,
      `<line class="axis" x1="${x}" x2="${x}" y1="${top}" y2="${y}"/>`,
    ],
  );
}

interface Bar {
  readonly name: string;
  readonly ratio: number;
}

function toGroup({ title, columns, rows }: Table): { title: string; bars: Bar[] }[] {
  const column = columns.findIndex((each) => each.title === '× raw');
  const isSpeed = columns.some((each) => each.title.endsWith('s/s'));
  if (column === -1 || !isSpeed) return [];
  const bars = rows.flatMap(([name, ...cells]) => {
    const ratio = cells[column - 1];
    return typeof name === 'string' && typeof ratio === 'number' ? [{ name, ratio }] : [];
  });
  return [{ title, bars }];
}

function toBar({ name, ratio }: Bar, y: number, perUnit: number): string {
  const width = Math.max(1, ratio * perUnit);
  const kind = name.startsWith('kvs') ? 'kvs' : 'other';
  return `<text x="24" y="${y + 15}">${escape(name)}</text>
<rect class="${kind}" x="${BARS.left}" y="${y + 2}" width="${rounded(width)}" height="17"/>
<text x="${rounded(BARS.left + width + 8)}" y="${y + 15}">${ratio.toFixed(2)}</text>`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
