import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Findings, Table } from '../../harness/report.js';
import { load, requestsFor, verify } from '../ask.js';
import type { CaseOptions } from '../cases/case.js';
import { withRunning } from '../contenders/contender.js';
import { OPERATIONS, type Operation } from '../contenders/dialect.js';
import { KVS_CLUSTER, kvsCluster } from '../contenders/kvs.js';
import { randomPairs } from '../pairs.js';
import { topFunctions } from './cpu-profile.js';
import { LineWaiter } from './line-waiter.js';

const CONNECTIONS = 32;
const BATCH_SIZES = [1, 100];

/** What the proxy and the nodes are at under load: a .cpuprofile of each, for Chrome's or VS Code's tools, and a table. */
export function measureProfile(
  { scale, generator, progress }: CaseOptions,
  directory: string,
): Promise<Findings> {
  const lines = new LineWaiter();
  const cluster = kvsCluster({
    ...KVS_CLUSTER,
    onLine: (line) => lines.take(line),
    environment: {
      NODE_OPTIONS: `--import ${new URL('../../../dist/servers/profile/profile-on-signal.js', import.meta.url).href}`,
      KVS_BENCH_PROFILE_DIRECTORY: directory,
    },
  });
  return withRunning([cluster], async ([server]) => {
    if (server === undefined) throw new TypeError('the cluster has not started');
    await mkdir(directory, { recursive: true });
    const pairs = randomPairs(scale.keyCount);
    await load(server, pairs);
    const { origin, processes } = server;
    const signal = async (answer: RegExp): Promise<RegExpExecArray[]> => {
      const answers = lines.next(answer, processes.length);
      for (const { pid } of processes) process.kill(pid, 'SIGUSR2');
      return answers;
    };

    const profileOf = async (operation: Operation, batchSize: number): Promise<Table[]> => {
      const requests = requestsFor(server, operation, pairs, batchSize);
      await verify(server, requests);
      const run = (seconds: number) => generator.run({ origin, requests, connections: CONNECTIONS, seconds });
      await run(scale.warmUpSeconds);
      await signal(/^profile: started/);
      await run(scale.profileSeconds);
      const written = await signal(/^profile: (\d+) (.+)$/);
      const tables: Table[] = [];
      for (const [at, { role, pid }] of processes.entries()) {
        const file = written.find(([, id]) => Number(id) === pid)?.[2];
        if (file === undefined) throw new Error(`process ${pid} has not written its profile`);
        const name = role === 'node' ? `node-${at}` : role;
        const named = join(directory, `${operation}-${batchSize}-${name}.cpuprofile`);
        await rename(file, named);
        const title = `${name}: ${operation}, ${batchSize} in a request, ${CONNECTIONS} connections`;
        // Both nodes do the same.
        if (at < 2) tables.push(topFunctions(title, named));
      }
      return tables;
    };

    const tables: Table[] = [];
    for (const batchSize of BATCH_SIZES) {
      for (const operation of OPERATIONS) {
        progress(`profile: ${operation}, ${batchSize} in a request…`);
        tables.push(...(await profileOf(operation, batchSize)));
      }
    }
    return { tables, goals: [] };
  });
}
