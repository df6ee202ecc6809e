import { hasRedis } from '@kvs/kv-store-redis/testing';
import { toMarkdown } from '../harness/markdown.js';
import { measureEngines } from './engines-suite.js';
import type { EnginesRunSize } from './run-size.js';

/** The smallest run that uses everything. */
const tiny: EnginesRunSize = {
  timedPairs: 250,
  timedRounds: 2,
  heldPairs: 2000,
  manyPairs: 5000,
  snapshotPairs: 2000,
  snapshotRounds: 2,
};

/** Measures everything and returns the stores whose speed is compared, and the texts of goals. */
async function measured(withRedis: boolean) {
  const messages: string[] = [];
  const progress = (message: string) => void messages.push(message);
  const report = await measureEngines({ runSize: tiny, withRedis, progress });
  for (const { columns, rows } of report.tables) {
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) expect(row).toHaveLength(columns.length);
  }
  expect(toMarkdown(report)).not.toMatch(/NaN|undefined|Infinity/);
  // This is exact, however small the run.
  expect(report.goals.find(({ text }) => text.includes('no wrong answer'))?.met).toBe(true);
  const stores = report.tables[0]?.rows.map(([name]) => name);
  return { messages, machine: report.machine, stores, goals: report.goals.map(({ text }) => text) };
}

it('measures without redis-server, and says so', async () => {
  const { messages, machine, stores, goals } = await measured(false);
  expect([machine, messages[0]]).toEqual(Array(2).fill(expect.stringContaining('without redis')));
  expect(stores).toEqual(['bare Map', 'memory', 'lmdb']);
  expect(goals).toHaveLength(3);
});

if (hasRedis() || process.env['KVS_REQUIRE_TOOLS'] === '1') {
  it('measures Redis too, and compares bytes with it', async () => {
    const { stores, goals } = await measured(true);
    expect(stores).toEqual(['bare Map', 'memory', 'lmdb', 'redis']);
    expect(goals.filter((text) => text.includes('redis-server'))).toHaveLength(2);
  });
} else {
  // redis-server is no package of npm, so a fresh clone may lack it. CI requires it.
  it.skip('Redis is not measured because redis-server is not on the PATH', () => undefined);
}
