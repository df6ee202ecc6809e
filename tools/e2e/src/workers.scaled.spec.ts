import { startNode, type LocalServer } from '@kvs-tools/local-cluster';
import { string } from './support/data.js';
import { open, readAll, refused, send } from './support/http.js';
import { fillWithLargeValues, gone, ProxyOfWorkers } from './support/workers.js';

const key = { encoding: 'string', data: 'k' };

let node: LocalServer;
beforeAll(async () => {
  node = await startNode();
  await send('PUT', `${node.origin}/set`, { body: [{ key, value: string('v') }] });
});
afterAll(() => node.kill());

/** Both signals stop the proxy in the same way. */
const signal = process.env['KVS_SLOW_TESTS'] === undefined ? 'SIGTERM' : 'SIGHUP';

let proxy: ProxyOfWorkers;
let origin: string;
afterEach(() => proxy.kill()); // a test without its own proxy kills the previous one again

async function start(...args: string[]): Promise<void> {
  proxy = new ProxyOfWorkers([node.address], ['--workers', '2', ...args]);
  origin = await proxy.ready;
}

describe('a proxy of two workers', () => {
  it('logs once that it listens, when both workers accept connections', async () => {
    await start();
    expect(new Set(proxy.workerPids).size).toBe(2);
    expect(proxy.listening).toHaveLength(1);
    expect((await send('GET', `${origin}/health/ready`)).status).toBe(200);
  });

  it(`finishes the requests in flight on each worker on ${signal}, and leaves no process`, async () => {
    await start('--shutdown-timeout-ms', '60000');
    const pids = proxy.workerPids;
    for (const pid of pids) process.kill(pid, 'SIGUSR1'); // which must not open an inspector
    await fillWithLargeValues(node.origin);
    const scans = [await open(`${origin}/fetch`), await open(`${origin}/fetch`)];
    proxy.signal(signal);
    await refused(origin);
    proxy.signal(signal); // which changes nothing
    for (const scan of scans) {
      const { text, complete } = await readAll(scan);
      expect([complete, (JSON.parse(text) as unknown[]).length]).toEqual([true, 9]);
    }
    expect(await proxy.exited).toEqual({ code: 0, signal: null });
    await Promise.all(pids.map(gone));
    expect(proxy.lines.filter((line) => / ended|Debugger/.test(line))).toEqual([]);
  });
});
