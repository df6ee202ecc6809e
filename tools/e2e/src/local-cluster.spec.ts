import { until } from '@kvs/protocol/testing';
import { Command, freePorts, run } from '@kvs-tools/local-cluster';
import { Cluster, Redis } from 'ioredis';
import { ClusterState } from './support/cluster-state.js';
import { refused, send } from './support/http.js';

// A level at which servers would not log that they listen, which npm start waits for.
const npmStart = (...args: string[]): Command =>
  new Command('npm', ['start', '--', ...args], { environment: { KVS_LOG_LEVEL: 'warn' } });

let cluster: Command | undefined;
afterEach(() => cluster?.destroy());

describe('npm start', () => {
  it('runs a cluster, loses nothing if a node dies, says what happens, and stops everything on Ctrl-C', async () => {
    const base = await freePorts(6);
    const proxy = `http://localhost:${base + 2}`;
    const redis = ['--redis-port', String(base + 3), '--redis-base-port', String(base + 4)];
    cluster = npmStart('--nodes', '2', '--base-port', String(base), '--port', String(base + 2), ...redis);
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
      nodes: [
        { node: `localhost:${base}`, state: 'up' },
        { node: `localhost:${base + 1}`, state: 'up' },
      ],
      topology: { copies: 2 },
    });
    expect(await overRedis(base + 3, base + 4)).toEqual(['world', 'world']);

    const victim = await run('bash', ['-c', `pgrep -f 'storage-node/dist/main.js localhost ${base} '`]);
    process.kill(Number(victim.stdout.trim()), 'SIGKILL');
    await cluster.until(/node-1\s+\| was ended by SIGKILL; the others keep running/);
    await cluster.until(/copy promoted: \S+ takes over \d+ partitions/);
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
    await refused(proxy);
  });

  it('stops with npm, also if only npm itself is stopped', async () => {
    const base = await freePorts(2);
    const ports = ['--base-port', String(base), '--port', String(base + 1), '--redis-port', '0'];
    cluster = npmStart('--nodes', '1', ...ports);
    await cluster.until(/Ctrl-C stops everything/);
    cluster.signal('SIGTERM');
    await Promise.all([refused(`http://localhost:${base}`), refused(`http://localhost:${base + 1}`)]);
  });
});

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
