import { atLeast, reportOf, type Report, type ReportPart } from '../harness/report.js';
import { median, medianRatio, ratios } from '../harness/statistics.js';
import type { Suite, SuiteOptions } from '../harness/suite.js';
import { hasRedisTools, requestsPerSecond, VALUE_BYTES, type RedisLoad } from './redis-benchmark.js';
import { NODE, PROXY, REDIS_SERVER, withRedisContenders, type RedisContender } from './redis-contenders.js';

export type RedisRunSize = typeof fullRun;

const fullRun = {
  rounds: 7,
  /** Requests of one load without pipelining; with pipelines it is five times as many. So a load takes some seconds. */
  requests: 200_000,
  connections: 50,
  /** Whether a cluster is measured too. It takes a minute to start on a busy machine. */
  withCluster: true,
};
const quickRun: RedisRunSize = { ...fullRun, rounds: 2, requests: 30_000 };

/** The goals: at least this part of the requests per second of redis-server. */
const MIN_RATIOS: readonly { readonly name: string; readonly pipeline: number; readonly min: number }[] = [
  { name: NODE, pipeline: 1, min: 0.8 },
  { name: NODE, pipeline: 16, min: 0.4 },
  { name: PROXY, pipeline: 1, min: 0.5 },
];

/** Redis clients at a node, at a proxy and at a cluster, beside redis-server. */
export const redisSuite: Suite = {
  name: 'redis',
  description: 'Redis clients at a node, a proxy and a cluster, beside redis-server',
  documents: { goals: 'docs/performance.md' },
  run: ({ quick, progress }) => measureRedis(quick ? quickRun : fullRun, progress),
};

/** Without redis-benchmark and redis-server, the report is empty, and `progress` is told why. */
export async function measureRedis(
  runSize: RedisRunSize,
  progress: SuiteOptions['progress'],
): Promise<Report> {
  if (!hasRedisTools()) {
    progress('skipped: redis-benchmark and redis-server are not on the PATH');
    return reportOf('redis', []);
  }
  return withRedisContenders(runSize.withCluster, async (contenders) => {
    const parts: ReportPart[] = [];
    for (const pipeline of [1, 16])
      for (const command of ['SET', 'GET'] as const)
        parts.push(await compare(contenders, { command, pipeline }, runSize, progress));
    return reportOf('redis', parts);
  });
}

async function compare(
  contenders: readonly RedisContender[],
  { command, pipeline }: Pick<RedisLoad, 'command' | 'pipeline'>,
  { rounds, requests, connections }: RedisRunSize,
  progress: SuiteOptions['progress'],
): Promise<ReportPart> {
  const how = pipeline === 1 ? 'no pipelining' : `pipelines of ${pipeline}`;
  const workload = `${command} of ${VALUE_BYTES} B, ${connections} connections, ${how}`;
  progress(`${workload}…`);
  const count = pipeline === 1 ? requests : 5 * requests;
  const results = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++)
    for (const { name, port, isCluster } of contenders) {
      const load = { command, pipeline, requests: count, connections, isCluster };
      results.get(name)?.push(await requestsPerSecond(port, load));
    }
  const base = results.get(REDIS_SERVER) ?? [];
  return {
    tables: [
      {
        title: workload,
        columns: [
          { title: '' },
          { title: 'requests/s', unit: 'count' },
          { title: `× ${REDIS_SERVER}`, unit: 'ratio' },
        ],
        rows: Array.from(results, ([name, speeds]) => [name, median(speeds), medianRatio(speeds, base)]),
      },
    ],
    goals: MIN_RATIOS.filter((goal) => goal.pipeline === pipeline).map(({ name, min }) =>
      atLeast(
        `${workload}: ${name}, at least ${min} of redis-server`,
        'ratio',
        ratios(results.get(name) ?? [], base),
        min,
      ),
    ),
  };
}
