import { toMarkdown } from '../harness/markdown.js';
import { ringSuite, measureRing } from './ring-suite.js';
import { packages, strategies, variants } from './peers.js';
import type { RingScale } from './scale.js';

const tiny: RingScale = {
  nodeCounts: [2, 3, 5],
  lookupKeyCount: 64,
  lookupRounds: 3,
  buildRounds: 3,
  turnMs: 0.1,
  warmUpMs: 0.2,
  countedKeyCount: 3000,
  evolvedNodeCounts: [2],
  nodeNameSets: 1,
};

it('measures every package and judges every goal', async () => {
  const steps: string[] = [];
  const report = await measureRing(tiny, (message) => steps.push(message));
  expect(steps.length).toBeGreaterThan(3);

  // The checksum shows lost keys, and work that the compiler skipped.
  expect(report.measurements).toHaveLength((variants.length + strategies.length) * 3 + packages.length * 2);
  for (const { samples, median, operations, checksum } of report.measurements) {
    expect(samples).toHaveLength(3);
    expect(median).toBeGreaterThan(0);
    expect(checksum).toBeGreaterThanOrEqual(operations * 3);
  }
  for (const { columns, rows } of report.tables) {
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) expect(row).toHaveLength(columns.length);
  }
  for (const { value } of report.goals) expect(value).toEqual(expect.any(Number));
  expect(report.goals.map(({ value }) => value)).not.toContain(NaN);

  // These are exact, however small the run.
  const between = report.goals.filter(({ text }) => text.includes('between the others'));
  expect(between.map(({ value, met }) => [value, met])).toEqual(between.map(() => [0, true]));
  expect(between).toHaveLength(4);
});

it('reports Markdown tables with the same number of cells in every line', async () => {
  const markdown = toMarkdown(await measureRing(tiny, () => undefined));
  const tables = markdown.split('\n\n').filter((block) => block.startsWith('|'));
  expect(tables.length).toBeGreaterThan(4);
  for (const table of tables) {
    const widths = table
      .trimEnd()
      .split('\n')
      .map((line) => line.split(' | ').length);
    expect(new Set(widths).size).toBe(1);
  }
  expect(markdown).not.toMatch(/NaN|undefined|Infinity/);
  expect(markdown).toContain(`# ${ringSuite.name}`);
});
