import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts, until } from '@kvs/protocol/testing';
import { ClusterState, Command, run, workspaceRoot } from '@kvs-tools/local-cluster';
import { Cluster, Redis } from 'ioredis';
import { refused, send } from './support/http.js';
import { killNode } from './support/kill-node.js';
import { codeBlocks } from './support/markdown.js';

/**
 * Copies are made anew sooner than by default, but not before it is told how many are missing. The level is one at which servers
 * would not log that they listen.
 */
const environment = { KVS_LOG_LEVEL: 'warn', KVS_REPLACE_AFTER_MS: '30000' };
const npmStart = (...args: string[]): Command =>
  new Command('npm', ['start', '--', ...args], { environment });

/** Long, because thousands of copies are made anew, also on a busy machine. */
const STORY_TIMEOUT_MS = 300_000;

let cluster: Command | undefined;
afterEach(() => cluster?.destroy());

describe('npm start', () => {
  it(
    'runs a cluster, loses nothing if a node dies, says what happens, and stops everything on Ctrl-C',
    async () => {
      const base = await freePorts(8);
      const proxy = `http://localhost:${base + 3}`;
      const redis = ['--redis-port', String(base + 4), '--redis-base-port', String(base + 5)];
      cluster = npmStart('--nodes', '3', '--base-port', String(base), '--port', String(base + 3), ...redis);
      const [, suggestion] = await cluster.until(/Try: {2}(curl .*)/);
      // On a busy machine a node may miss its leases for a while, and says so.
      const suggested = async () => (await run('bash', ['-c', `${suggestion} --silent --show-error`])).stdout;
      await until(async () => (await suggested()) === '{"keys_added":1,"keys_failed":[]}', suggested);
      await cluster.until(/done: all partitions have all their copies/);
      // On a busy machine a copy that is late for a while is removed and made anew, also after the cluster was complete.
      const state = new ClusterState(proxy);
      await state.untilComplete();
      await state.until(async () => (await state.primariesOf(`localhost:${base}`)) > 0);
      const { json } = await send('GET', `${proxy}/cluster`);
      expect(json).toMatchObject({
        nodes: [0, 1, 2].map((i) => ({ node: `localhost:${base + i}`, state: 'up' })),
        topology: { copies: 2 },
      });
      expect(await overRedis(base + 4, base + 5)).toEqual(['world', 'world']);

      await killNode(base);
      const [killed, ...told] = storyOfReadme();
      const finished = told.pop();
      for (const line of told) await cluster.until(new RegExp([killed, line, finished].join('[^]*')));
      const read = () => send('GET', `${proxy}/keys/hello`);
      await until(
        async () => (await read()).status === 200,
        async () => (await read()).text,
      );
      expect((await read()).text).toBe('world');

      cluster.pressCtrlC();
      const { stdout } = await cluster.finished;
      expect(stdout).toMatch(/node-2\s+\| exited with code 0/);
      expect(stdout).toMatch(/proxy\s+\| exited with code 0/);
      expect(stdout).not.toContain('were not handed over');
      await refused(proxy);
    },
    STORY_TIMEOUT_MS,
  );

  it('stops with npm, also if only npm itself is stopped', async () => {
    const base = await freePorts(2);
    const ports = ['--base-port', String(base), '--port', String(base + 1), '--redis-port', '0'];
    cluster = npmStart('--nodes', '1', ...ports);
    await cluster.until(/Ctrl-C stops everything/);
    cluster.signal('SIGTERM');
    await Promise.all([refused(`http://localhost:${base}`), refused(`http://localhost:${base + 1}`)]);
  });
});

/**
 * Returns a pattern for each line that README.md shows after a node is killed. Numbers may differ. Only the first and the last
 * line have a fixed place.
 */
function storyOfReadme(): string[] {
  const readme = readFileSync(join(workspaceRoot, 'README.md'), 'utf8');
  const story = codeBlocks(readme).find(({ text }) => text.includes('was ended by SIGKILL'))?.text;
  if (story === undefined) throw new TypeError('README.md tells no such story');
  return story
    .trim()
    .split('\n')
    .map((line) =>
      line
        .replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
        .replaceAll(/(?<!node-)\d+/g, '\\d+')
        .replaceAll(/ +/g, ' +'),
    );
}

/** Reads the key of the suggested request: at the proxy, and by a cluster client that knows one node. */
async function overRedis(proxyPort: number, nodePort: number): Promise<(string | null)[]> {
  const proxy = new Redis({ port: proxyPort, host: 'localhost' });
  const nodes = new Cluster([{ port: nodePort, host: 'localhost' }]);
  try {
    return [await proxy.get('hello'), await nodes.get('hello')];
  } finally {
    proxy.disconnect();
    nodes.disconnect();
  }
}
