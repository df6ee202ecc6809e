import { toMarkdown } from '../harness/markdown.js';
import { measureRing } from './ring-suite.js';
import { strategies } from './peers.js';
import type { RingRunSize } from './run-size.js';
import { measureThousandNodes } from './thousand-nodes.js';

const tiny: RingRunSize = {
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
  const report = await measureRing({ runSize: tiny, progress: (message) => steps.push(message) });
  expect(steps.length).toBeGreaterThan(3);
  expect(report.tables.length).toBeGreaterThan(4);
  for (const { columns, rows } of report.tables) {
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) expect(row).toHaveLength(columns.length);
  }
  expect(toMarkdown(report)).not.toMatch(/NaN|undefined|Infinity/);

  // These are exact, however small the run.
  const between = report.goals.filter(({ text }) => text.includes('between the others'));
  expect(between.map(({ value, met }) => [value, met])).toEqual(between.map(() => [0, true]));
  expect(between).toHaveLength(4);
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
