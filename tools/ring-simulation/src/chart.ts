import type { Outcome, SimulationSize } from './simulation.js';

/**
 * Draws the outcomes as an SVG image: for each strategy a histogram of the nodes' loads, and the keys that a new node moves.
 * The image has no background, and its text follows the reader's colour scheme.
 */
export function toChart(outcomes: readonly Outcome[], { nodeCount }: SimulationSize): string {
  const height = TOP + outcomes.length * ROW + BOTTOM;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="title">
<title id="title">Load and movement of each strategy among ${nodeCount.toLocaleString('en')} nodes</title>
<style>
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .name { font-weight: 600; }
  .quiet { fill: #59636e; font-size: 11px; }
  .axis { stroke: #8b949e; stroke-width: 1; }
  .load, .new { fill: #2f81f7; }
  .others { fill: #d4761f; }
  @media (prefers-color-scheme: dark) { text { fill: #e6edf3; } .quiet { fill: #9da7b3; } }
</style>
<text class="name" x="${LOADS.left}" y="20">Nodes by load, 1 is the mean</text>
<text class="name" x="${MOVES.left}" y="20">A new node moves, in fair shares</text>
<rect class="new" x="${MOVES.left}" y="29" width="9" height="9"/><text class="quiet" x="${MOVES.left + 14}" y="38">to the new node</text>
<rect class="others" x="${MOVES.left + 115}" y="29" width="9" height="9"/><text class="quiet" x="${MOVES.left + 129}" y="38">between the others</text>
${outcomes.map((outcome, row) => toRow(outcome, TOP + row * ROW, movementScale(outcomes))).join('\n')}
${LOAD_TICKS.map((load) => `<text class="quiet" text-anchor="middle" x="${rounded(xOfLoad(load))}" y="${height - 10}">${load.toFixed(1)}</text>`).join('\n')}
</svg>
`;
}

const WIDTH = 860;
const TOP = 56;
const ROW = 72;
const BOTTOM = 24;
const LOADS = { left: 150, width: 400, from: 0.6, to: 1.6, bins: 100 };
const MOVES = { left: 590, width: 190 };
const LOAD_TICKS = [0.6, 0.8, 1, 1.2, 1.4, 1.6];

function toRow(outcome: Outcome, top: number, movesPerUnit: number): string {
  const base = top + ROW - 16;
  const { name, keyCount, fullest, movedToNew, movedBetweenOthers } = outcome;
  const newWidth = movedToNew * movesPerUnit;
  const othersWidth = movedBetweenOthers * movesPerUnit;
  const moved = (movedToNew + movedBetweenOthers).toFixed(2);
  return `<text class="name" x="10" y="${top + 22}">${name}</text>
<text class="quiet" x="10" y="${top + 39}">${inWords(keyCount)} keys</text>
${toBars(outcome.loads, base, ROW - 26)}
<line class="axis" x1="${LOADS.left}" x2="${LOADS.left + LOADS.width}" y1="${base}" y2="${base}"/>
<text class="quiet" text-anchor="end" x="${LOADS.left + LOADS.width}" y="${top + 14}">fullest ${fullest.toFixed(2)}</text>
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

function movementScale(outcomes: readonly Outcome[]): number {
  const max = Math.max(
    ...outcomes.map(({ movedToNew, movedBetweenOthers }) => movedToNew + movedBetweenOthers),
  );
  return MOVES.width / max;
}

function xOfLoad(load: number): number {
  return LOADS.left + ((load - LOADS.from) / (LOADS.to - LOADS.from)) * LOADS.width;
}

function inWords(count: number): string {
  return count >= 1e6 ? `${count / 1e6} million` : count.toLocaleString('en');
}

/** Rounds to a tenth of a pixel. */
function rounded(value: number): string {
  return String(Math.round(value * 10) / 10);
}
