import { rounded, svgImage } from '../harness/svg.js';
import type { Distribution } from './distribution.js';

/** How a strategy distributes keys among many nodes. */
export interface Placement extends Distribution {
  readonly name: string;
  readonly keyCount: number;
}

/** Draws for each strategy a histogram of the nodes' loads, and the keys that a new node moves. */
export function toChart(placements: readonly Placement[]): string {
  const height = TOP + placements.length * ROW + BOTTOM;
  const nodeCount = placements[0]?.loads.length ?? 0;
  const { left } = MOVES;
  return svgImage(
    { width: WIDTH, height },
    `Load and movement of each strategy among ${nodeCount.toLocaleString('en')} nodes`,
    ['.load, .new { fill: #2f81f7; }', '.others { fill: #d4761f; }'],
    [
      `<text class="name" x="${LOADS.left}" y="20">Nodes by load, 1 is the mean</text>`,
      `<text class="name" x="${left}" y="20">A new node moves, in fair shares</text>`,
      `<rect class="new" x="${left}" y="29" width="9" height="9"/><text class="quiet" x="${left + 14}" y="38">to the new node</text>`,
      `<rect class="others" x="${left + 115}" y="29" width="9" height="9"/><text class="quiet" x="${left + 129}" y="38">between the others</text>`,
      ...placements.map((each, row) => toRow(each, TOP + row * ROW, movementScale(placements))),
      ...LOAD_TICKS.map(
        (load) =>
          `<text class="quiet" text-anchor="middle" x="${rounded(xOfLoad(load))}" y="${height - 10}">${load.toFixed(1)}</text>`,
      ),
    ],
  );
}

const WIDTH = 860;
const TOP = 56;
const ROW = 72;
const BOTTOM = 24;
const LOADS = { left: 150, width: 400, from: 0.6, to: 1.6, bins: 100 };
const MOVES = { left: 590, width: 190 };
const LOAD_TICKS = [0.6, 0.8, 1, 1.2, 1.4, 1.6];

function toRow(placement: Placement, top: number, movesPerUnit: number): string {
  const base = top + ROW - 16;
  const { name, keyCount, loads, movedToNew, movedBetweenOthers } = placement;
  const newWidth = movedToNew * movesPerUnit;
  const othersWidth = movedBetweenOthers * movesPerUnit;
  const moved = (movedToNew + movedBetweenOthers).toFixed(2);
  return `<text class="name" x="10" y="${top + 22}">${name}</text>
<text class="quiet" x="10" y="${top + 39}">${inWords(keyCount)} keys</text>
${toBars(loads, base, ROW - 26)}
<line class="axis" x1="${LOADS.left}" x2="${LOADS.left + LOADS.width}" y1="${base}" y2="${base}"/>
<text class="quiet" text-anchor="end" x="${LOADS.left + LOADS.width}" y="${top + 14}">fullest ${Math.max(...loads).toFixed(2)}</text>
<rect class="new" x="${MOVES.left}" y="${base - 26}" width="${rounded(newWidth)}" height="18"/>
<rect class="others" x="${rounded(MOVES.left + newWidth)}" y="${base - 26}" width="${rounded(othersWidth)}" height="18"/>
<text x="${rounded(MOVES.left + newWidth + othersWidth + 8)}" y="${base - 12}">${moved}</text>`;
}

/** Draws a histogram whose highest bar fills the row. Loads beyond the axis count at its ends. */
function toBars(loads: readonly number[], base: number, height: number): string {
  const counts = new Array<number>(LOADS.bins).fill(0);
  for (const load of loads) {
    const bin = Math.floor(((load - LOADS.from) / (LOADS.to - LOADS.from)) * LOADS.bins);
    const at = Math.min(LOADS.bins - 1, Math.max(0, bin));
    counts[at] = (counts[at] ?? 0) + 1;
  }
  const max = Math.max(...counts);
  const width = LOADS.width / LOADS.bins;
  return counts
    .flatMap((count, bin) => {
      if (count === 0) return [];
      const bar = Math.max(1, (count / max) * height);
      return `<rect class="load" x="${rounded(LOADS.left + bin * width)}" y="${rounded(base - bar)}" width="${width}" height="${rounded(bar)}"/>`;
    })
    .join('\n');
}

function movementScale(placements: readonly Placement[]): number {
  const max = Math.max(
    ...placements.map(({ movedToNew, movedBetweenOthers }) => movedToNew + movedBetweenOthers),
  );
  return MOVES.width / max;
}

function xOfLoad(load: number): number {
  return LOADS.left + ((load - LOADS.from) / (LOADS.to - LOADS.from)) * LOADS.width;
}

function inWords(count: number): string {
  return count >= 1e6 ? `${count / 1e6} million` : count.toLocaleString('en');
}
