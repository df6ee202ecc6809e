import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts, until } from '@kvs/protocol/testing';
import { Command, proxyScript, run, startNode, type LocalServer } from '@kvs-tools/local-cluster';
import { Redis } from 'ioredis';
import { string } from './support/data.js';
import { accepts, open, readAll, refused, send } from './support/http.js';
import { metricsOf } from './support/metrics.js';
import { fillWithLargeValues, gone, KeptConnection, ProxyOfWorkers } from './support/workers.js';

const key = { encoding: 'string', data: 'k' };

let node: LocalServer;
beforeAll(async () => {
  node = await startNode();
  await send('PUT', `${node.origin}/set`, { body: [{ key, value: string('v') }] });
});
afterAll(() => node.kill());

let proxy: ProxyOfWorkers;
let origin: string;
afterEach(() => proxy.kill()); // a test without its own proxy kills the previous one again

async function start(...args: string[]): Promise<void> {
  proxy = new ProxyOfWorkers([node.address], ['--workers', '2', ...args]);
  origin = await proxy.ready;
}

describe('a proxy of two workers', () => {
  it('assigns connections in order; if a worker dies, its connections close and the others stay', async () => {
    await start();
    const [victim = 0] = proxy.workerPids;
    const connections = Array.from({ length: 6 }, () => new KeptConnection());
    for (const connection of connections) expect(await connection.ask(`${origin}/keys/k`)).toBe(200);
    const cut = Promise.all([0, 2, 4].map((i) => connections[i]?.closed));
    const cutToo = Promise.all([1, 3, 5].map((i) => connections[i]?.closed));
    process.kill(victim, 'SIGKILL');
    await Promise.race([cut, cutToo]);
    const kept = connections.filter(({ isClosed }) => !isClosed);
    expect(kept).toHaveLength(3);
    for (const connection of kept) expect(await connection.ask(`${origin}/keys/k`)).toBe(200);
    expect(kept.filter(({ isClosed }) => isClosed)).toEqual([]);
    expect((await send('GET', `${origin}/keys/k`)).status).toBe(200);

    expect((await proxy.workers(3))[2]).not.toBe(victim);
    const ended = proxy.lines.find((line) => line.includes(`(pid ${victim}) ended: SIGKILL`));
    expect(ended).toBeDefined();
    expect(await metricsOf(origin, 'kvs_worker_restarts_total')).toEqual({ '': 1 });
    expect(await metricsOf(origin, 'kvs_workers')).toEqual({ '': 2 });
    expect(proxy.listening).toHaveLength(1);
    for (const connection of connections) connection.close();
  });

  it('serves Redis clients, and counts their commands over all workers', async () => {
    await start('--redis-port', 'auto');
    const port = await proxy.redisPort;
    const clients = Array.from({ length: 4 }, () => new Redis({ port, host: 'localhost' }));
    try {
      expect(await Promise.all(clients.map((client) => client.get('k')))).toEqual(['v', 'v', 'v', 'v']);
      const counts = await metricsOf(origin, 'kvs_redis_commands_total');
      expect(counts['command="get",result="ok"']).toBe(4);
    } finally {
      for (const client of clients) client.disconnect();
    }
  });

  it('loses one or two requests per client of a worker that dies under load, and no others', async () => {
    await start();
    const [victim = 0] = proxy.workerPids;
    let answers = 0;
    let replaced = false;
    const client = async (): Promise<(number | string)[]> => {
      const connection = new KeptConnection();
      const errors: (number | string)[] = [];
      for (let i = 0; i < 100 || !replaced; i++) {
        const outcome = await connection.ask(`${origin}/keys/k`);
        if (outcome !== 200) errors.push(outcome);
        else if (++answers === 200) process.kill(victim, 'SIGKILL');
      }
      connection.close();
      return errors;
    };
    const load = Promise.all(Array.from({ length: 8 }, client));
    await proxy.workers(3);
    replaced = true;
    const errors = await load;
    // The client's next connection may be assigned to the same worker before the primary knows that it died.
    expect(errors.filter(({ length }) => length > 2)).toEqual([]);
    expect(errors.flat().filter((error) => error !== 'ECONNRESET' && error !== 'EPIPE')).toEqual([]);
    expect(errors.some(({ length }) => length === 0)).toBe(true); // the other worker had clients and lost none
  });

  it('lets others serve while one hangs, however long, and loses no request of the one that hangs', async () => {
    await start();
    const [sleeper = 0] = proxy.workerPids;
    process.kill(sleeper, 'SIGSTOP');
    const connections = Array.from({ length: 8 }, () => new KeptConnection());
    const statuses: (number | string)[] = [];
    const seven = new Promise<void>((resolve) => {
      for (const connection of connections) {
        void connection.ask(`${origin}/keys/k`).then((status) => {
          if (statuses.push(status) >= 7) resolve();
        });
      }
    });
    await seven;
    // More than twice as long as it takes until the sleeper is asked for its connection.
    for (const startMs = performance.now(); performance.now() < startMs + 11_000;) {
      const connection = new KeptConnection();
      expect(await connection.ask(`${origin}/keys/k`)).toBe(200);
      connection.close();
    }
    process.kill(sleeper, 'SIGCONT');
    while (statuses.length < 8) await send('GET', `${origin}/health/live`);
    expect(statuses).toEqual(Array(8).fill(200));
    for (const connection of connections) connection.close();
  });

  it('has one page of metrics for all workers, and no counter decreases when one dies', async () => {
    await start();
    for (let i = 0; i < 10; i++) await (await open(`${origin}/keys/k`)).resume();
    const counted = 'method="GET",route="/keys/{key}",status="200"';
    const pages = [];
    for (let i = 0; i < 4; i++) pages.push(await metricsOf(origin, 'kvs_http_requests_total'));
    expect(pages.map((page) => page[counted])).toEqual([10, 10, 10, 10]);
    expect(Object.values(await metricsOf(origin, 'kvs_node_calls_total'))).toEqual([10]);

    process.kill(proxy.workerPids[0] ?? 0, 'SIGKILL');
    await proxy.workers(3);
    await (await open(`${origin}/keys/k`)).resume();
    expect((await metricsOf(origin, 'kvs_http_requests_total'))[counted]).toBe(11);
    expect((await metricsOf(origin, 'kvs_http_request_duration_seconds_count'))[counted]).toBe(11);
  });
});

describe('at shutdown, a proxy of two workers', () => {
  it('waits for requests only until the time-out', async () => {
    await start('--shutdown-timeout-ms', '200');
    await fillWithLargeValues(node.origin);
    const scan = await open(`${origin}/fetch`); // nobody reads it
    expect(await proxy.stop()).toEqual({ code: 0, signal: null });
    expect((await readAll(scan)).complete).toBe(false);
  });

  it('kills a worker that hangs', async () => {
    await start('--shutdown-timeout-ms', '200');
    const [sleeper = 0] = proxy.workerPids;
    process.kill(sleeper, 'SIGSTOP');
    expect(await proxy.stop()).toEqual({ code: 0, signal: null });
    await gone(sleeper);
    expect(proxy.lines.find((line) => line.includes(`(pid ${sleeper}) does not end: killed`))).toBeDefined();
  });

  it('stops completely on Ctrl-C, which also reaches the workers', async () => {
    const command = new Command(process.execPath, [
      proxyScript,
      node.address,
      '--port',
      '0',
      '--workers',
      '2',
    ]);
    try {
      await command.until(/listening on/);
      command.pressCtrlC();
      const { code, stdout, stderr } = await command.finished;
      expect([code, stderr]).toEqual([0, '']);
      const pids = Array.from(stdout.matchAll(/\(pid (\d+)\) accepts connections/g), ([, pid]) =>
        Number(pid),
      );
      expect(pids).toHaveLength(2);
      await Promise.all(pids.map(gone));
      expect(stdout).not.toContain('ended');
    } finally {
      command.destroy();
    }
  });

  it('finishes requests in flight and exits if the primary process is killed', async () => {
    await start('--shutdown-timeout-ms', '60000');
    const pids = proxy.workerPids;
    await fillWithLargeValues(node.origin);
    const scan = await open(`${origin}/fetch`);
    proxy.signal('SIGKILL');
    await refused(origin);
    expect((await readAll(scan)).complete).toBe(true);
    await Promise.all(pids.map(gone));
  });
});

/** Makes workers log that they start, and wait as long as a file exists. */
const HELD_WORKERS = `
  import { existsSync } from 'node:fs';
  const { KVS_WORKER_NUMBER, KVS_TEST_HOLD } = process.env;
  if (KVS_WORKER_NUMBER !== undefined && existsSync(KVS_TEST_HOLD)) console.log('a worker is held');
  while (KVS_WORKER_NUMBER !== undefined && existsSync(KVS_TEST_HOLD))
    await new Promise((resolve) => setTimeout(resolve, 10));`;

it('the port refuses connections while no worker can serve: at the start, and after all have died', async () => {
  const hold = join(tmpdir(), `kvs-hold-${process.pid}-${Date.now()}`);
  const port = await freePorts(1);
  const held = () => proxy.lines.filter((line) => line === 'a worker is held').length;
  await writeFile(hold, '');
  try {
    proxy = new ProxyOfWorkers([node.address], ['--workers', '2', '--port', String(port)], {
      KVS_TEST_HOLD: hold,
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(HELD_WORKERS)}`,
    });
    await until(() => held() === 2);
    expect(await accepts('localhost', port)).toBe(false);
    await rm(hold);
    origin = await proxy.ready;
    expect((await send('GET', `${origin}/keys/k`)).status).toBe(200);

    await writeFile(hold, '');
    for (const pid of proxy.workerPids) process.kill(pid, 'SIGKILL');
    await until(() => held() === 4);
    expect(await accepts('localhost', port)).toBe(false);
    await rm(hold);
    await until(() => proxy.listening.length === 2);
    expect((await send('GET', `${origin}/keys/k`)).status).toBe(200);
    expect(await proxy.stop()).toEqual({ code: 0, signal: null });
  } finally {
    await rm(hold, { force: true });
  }
});

it('a port in use is one line on stderr and exit code 1, with workers too', async () => {
  await start();
  const { port } = new URL(origin);
  const { code, stderr } = await run(process.execPath, [
    proxyScript,
    node.address,
    '--port',
    port,
    '--workers',
    '2',
  ]);
  expect([code, stderr]).toEqual([1, `kvs-proxy: cannot listen on ${origin}: the port is in use\n`]);
});
