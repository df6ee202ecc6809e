import { toMarkdown } from '../harness/markdown.js';
import { ringSuite, measureRing } from './ring-suite.js';
import { packages, strategies, variants } from './peers.js';
import type { RingScale } from './scale.js';
import { measureThousandNodes } from './thousand-nodes.js';

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
  placedNodeCount: 20,
  placedKeyCount: 3000,
  sampledKeyCount: 500,
};

it('measures every package and judges every goal', async () => {
  const steps: string[] = [];
  const report = await measureRing({ scale: tiny, progress: (message) => steps.push(message) });
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
  const markdown = toMarkdown(await measureRing({ scale: tiny, progress: () => undefined }));
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

describe('many nodes', () => {
  const { tables, chart = '' } = measureThousandNodes(tiny, () => undefined);
  const { columns = [], rows = [] } = tables[0] ?? {};

  it('gets every key for every strategy, and only a sample if lookups are slow', () => {
    expect(columns.map(({ title }) => title)[1]).toBe('keys');
    expect(rows.map(([name, keys]) => [name, keys])).toEqual(
      strategies.map(({ name, isSlow }) => [name, isSlow ? 500 : 3000]),
    );
  });

  it('moves keys only to the new node if the strategy is consistent', () => {
    expect(columns.map(({ title }) => title).slice(-2)).toEqual(['moved to the new', 'moved between others']);
    for (const [name, , , , , toNew, betweenOthers] of rows) {
      expect(toNew).toBeGreaterThan(0.4);
      if (name !== 'MaglevRing') expect(betweenOthers).toBe(0);
    }
  });

  it('draws a chart that is one well-formed element', () => {
    const open: string[] = [];
    for (const [, close, name = '', selfClosing] of chart.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)) {
      if (close) expect(open.pop()).toBe(name);
      else if (!selfClosing) open.push(name);
    }
    expect(open).toEqual([]);
    expect(chart).not.toMatch(/NaN|undefined|Infinity/);
    for (const { name } of strategies) expect(chart).toContain(`>${name}</text>`);
  });
});
