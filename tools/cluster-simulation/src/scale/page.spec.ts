import { rowsIn, rowsOf, toTable, withTable } from './page.js';
import type { ScaleFigures } from './figures.js';

const page = '# Scale\n\n<!-- figures -->\nan earlier table\n<!-- end of figures -->\n\nMore.\n';

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

it('the table replaces the one between the comments', () => {
  const filled = withTable(page, toTable([figures, { ...figures, nodeCount: 1 }]));
  expect(filled).toMatch(/^# Scale\n.*\nMore\.\n$/s);
  expect(filled).not.toContain('an earlier table');
  expect(rowsIn(filled)).toEqual(rowsOf([figures, { ...figures, nodeCount: 1 }]));
  expect(rowsIn(filled)).toEqual(
    expect.arrayContaining([
      ['', '1,024 nodes', '1 nodes'],
      ['copies: most / mean', '1.13', '1.13'],
      ['beacons that a node sends per second: mean, most', '5.0, 8', '5.0, 8'],
      ['time to make them anew', '12 s', '12 s'],
    ]),
  );
});

it('a page without these comments is refused', () => {
  expect(() => withTable('# Scale', 'table')).toThrow('has no comments');
});
