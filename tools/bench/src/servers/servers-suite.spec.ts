import { setTimeout } from 'node:timers/promises';
import { toMarkdown } from '../harness/markdown.js';
import type { LoadGenerator } from './load/load.js';
import { SocketLoad } from './load/socket-load.js';
import { AnswerWindow } from './load/window.js';
import type { ServersScale } from './scale.js';
import { measureServers } from './servers-suite.js';

const tiny: ServersScale = {
  keyCount: 200,
  rounds: 2,
  peerRounds: 1,
  turnSeconds: 0.05,
  warmUpSeconds: 0.05,
  profileSeconds: 0.1,
  connectionCounts: [2],
  batchSizes: [100],
  validatedPairs: 20,
  validationTurnMs: 1,
  fetchedPairs: 1000,
  manyPairs: 3000,
  fetchRounds: 2,
  watchSeconds: 0.2,
  watchRounds: 1,
  soakedPairs: 1000,
  soakSeconds: 3,
};

/** wrk knows whole seconds only. */
const brief: LoadGenerator = {
  name: 'our sockets',
  run: async ({ seconds, ...load }) => {
    const window = new AnswerWindow();
    const running = await SocketLoad.start({ ...load, onAnswer: window.take });
    do await setTimeout(seconds * 1000);
    while (window.answered === 0);
    running.stop();
    const { answered, failures } = window;
    return { ...window.cut(), requests: answered, failures, seconds };
  },
};

it('measures all cases of servers, each with its tables and goals, and no request fails', async () => {
  const report = await measureServers({ scale: tiny, generator: brief, progress: () => undefined });
  const titles = report.tables.map(({ title }) => title);
  expect(titles).toEqual([
    'Set of one pair, 2 connections',
    'Query of one pair, 2 connections',
    'Fetch of one pair, 2 connections',
    'Set of one pair, 1 connection',
    'Query of one pair, 1 connection',
    'Fetch of one pair, 1 connection',
    'Set of 100 pairs, 8 connections',
    'Fetch of 100 pairs, 8 connections',
    'Validation of 20 pairs',
    'GET /fetch of 1,000 pairs',
    'Other requests during a GET /fetch of 3,000 pairs',
    'One of two nodes stopped by SIGSTOP',
    'Set of one pair, 32 connections',
    'Query of one pair, 32 connections',
    'Fetch of one pair, 32 connections',
    '0.1 minutes with 1,000 pairs',
  ]);
  for (const { columns, rows } of report.tables) {
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) expect(row).toHaveLength(columns.length);
  }
  expect(report.goals.length).toBeGreaterThan(0);
  expect(toMarkdown({ ...report, quick: true })).not.toMatch(/NaN|undefined|Infinity/);
});
