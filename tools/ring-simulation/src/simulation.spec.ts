import { HashRing } from '@kvs/hash-ring';
import { toChart } from './chart.js';
import { KeySequence } from './key-sequence.js';
import { ProgressBar } from './progress-bar.js';
import { simulate, type SimulationSize } from './simulation.js';
import { strategies } from './strategies.js';
import { toTable } from './table.js';

const size: SimulationSize = { nodeCount: 20, keyCount: 30_000, sampleCount: 5_000 };
const run = () => strategies.map((strategy) => simulate(strategy, size, () => undefined));

it('counts every key once for every strategy, and only a sample if lookups are slow', () => {
  for (const { keyCount, loads, fullest } of run()) {
    expect([30_000, 5_000]).toContain(keyCount);
    expect(loads).toHaveLength(20);
    expect(loads.reduce((sum, load) => sum + load)).toBeCloseTo(20, 6);
    expect(Math.max(...loads)).toBe(fullest);
  }
});

it('consistent strategies move keys only to the new node', () => {
  const outcomes = run();
  for (const { name, movedToNew, movedBetweenOthers } of outcomes) {
    expect(movedToNew).toBeGreaterThan(0.5);
    if (name !== 'MaglevRing') expect(movedBetweenOthers).toBe(0);
  }
});

it('gives the same owners as lookups by string', () => {
  const strategy = strategies.filter(({ name }) => name === 'HashRing');
  const [outcome] = strategy.map((each) => simulate(each, { ...size, keyCount: 1000 }, () => undefined));
  const ring = new HashRing(Array.from({ length: 20 }, (_, index) => `node-${index}`));
  const first = Array.from({ length: 1000 }, (_, n) => `key-${String(n).padStart(12, '0')}`);
  const onNode7 = first.filter((key) => ring.get(key).id === 'node-7').length;
  expect(outcome?.loads[7]).toBeCloseTo((onNode7 * 20) / 1000, 9);
});

it('numbers keys with carries', () => {
  const keys = new KeySequence();
  const texts = Array.from({ length: 1002 }, () => Buffer.from(keys.next()).toString());
  expect([0, 1, 9, 10, 99, 100, 1001].map((n) => texts[n])).toEqual([
    'key-000000000000',
    'key-000000000001',
    'key-000000000009',
    'key-000000000010',
    'key-000000000099',
    'key-000000000100',
    'key-000000001001',
  ]);
});

it('draws a chart that is one well-formed element, and a table with a row for each strategy', () => {
  const outcomes = run();
  const chart = toChart(outcomes, size);
  const open: string[] = [];
  for (const [, close, name = '', selfClosing] of chart.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)) {
    if (close) expect(open.pop()).toBe(name);
    else if (!selfClosing) open.push(name);
  }
  expect(open).toEqual([]);
  expect(chart).not.toMatch(/NaN|undefined|Infinity/);
  for (const { name } of strategies) expect(chart).toContain(`>${name}</text>`);
  expect(toTable(outcomes).trimEnd().split('\n')).toHaveLength(strategies.length + 2);
});

describe('the progress bar', () => {
  const drawn = (isTTY: boolean) => {
    const written: string[] = [];
    const bar = new ProgressBar({ isTTY, write: (text: string) => written.push(text) > 0 }, 200);
    bar.update(100, 'half');
    bar.update(100, 'half');
    bar.clear();
    return written;
  };

  it('is drawn on a terminal, once for each change, and cleared', () => {
    expect(drawn(true)).toEqual([expect.stringContaining('50% half'), '\r\x1b[K']);
  });

  it('is silent elsewhere', () => {
    expect(drawn(false)).toEqual([]);
  });
});
