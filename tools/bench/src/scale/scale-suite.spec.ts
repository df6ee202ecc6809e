import { toTable } from './scale-suite.js';
import type { ScaleFigures } from './figures.js';

const figures: ScaleFigures = {
  nodeCount: 1024,
  topologyBytes: 123_456,
  changeBytes: 200,
  primaries: { least: 3, mean: 4, most: 5 },
  copies: { least: 7, mean: 8, most: 9 },
  peers: { least: 2, mean: 2.5, most: 4 },
  beaconsPerSecond: 2,
  routes: 4096,
  recovery: { partitionBytes: 2e6, copies: 8, mostMovesAtOnce: 3, durationMs: 12_000 },
};

it('has a column for each size', () => {
  const { columns, rows } = toTable([figures, { ...figures, nodeCount: 1 }]);
  expect(columns.map(({ title }) => title)).toEqual(['', '1,024 nodes', '1 nodes']);
  expect(rows).toEqual(
    expect.arrayContaining([
      ['copies: most / mean', '1.13', '1.13'],
      ['beacons that a node sends per second: mean, most', '5.0, 8', '5.0, 8'],
      ['time to make them anew', '12 s', '12 s'],
    ]),
  );
});
