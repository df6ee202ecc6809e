import { stringKey } from '@kvs/protocol';
import { MapOperations } from '@kvs/protocol/testing';
import { jsonOf, TestServer, type Received, type TestServerOptions } from '../testing/test-server.js';

const key = stringKey('k');

/** Queries wait until they are released. */
class HeldOperations extends MapOperations {
  readonly #held: (() => void)[] = [];
  #onHold: (() => void) | undefined;

  override query(keys: Parameters<MapOperations['query']>[0]) {
    return new Promise<{ ok: true; present: boolean }[]>((resolve) => {
      this.#held.push(() => resolve(keys.map(() => ({ ok: true, present: true }))));
      this.#onHold?.();
    });
  }

  /** Resolves when so many queries wait. */
  async holding(count: number): Promise<void> {
    while (this.#held.length < count) await new Promise<void>((resolve) => (this.#onHold = resolve));
  }

  release(): void {
    for (const answer of this.#held.splice(0)) answer();
  }
}

let operations: HeldOperations;
let server: TestServer;
afterEach(() => server.stop());

async function start(options: TestServerOptions = {}): Promise<void> {
  operations = new HeldOperations();
  server = await TestServer.start(operations, options);
}

const query = () => server.sendJson('POST', '/query', [key]);
const refusal = (answer: Received) => [
  answer.status,
  answer.headers['retry-after'],
  answer.headers.connection,
  (jsonOf(answer) as { code: string }).code,
];

describe('a server with as many requests in flight as it may have', () => {
  it('refuses more with 503 and Retry-After, and admits them when the others are answered', async () => {
    await start({ settings: { maxInFlightRequests: 2 } });
    const held = [query(), query()];
    await operations.holding(2);
    expect(refusal(await query())).toEqual([503, '1', 'close', 'overloaded']);
    operations.release();
    expect((await Promise.all(held)).map(({ status }) => status)).toEqual([200, 200]);
    const next = query();
    await operations.holding(1);
    operations.release();
    expect((await next).status).toBe(200);
  });

  it('still answers the nodes and proxies of its cluster, at the paths that it has for them', async () => {
    const methods = { '/cluster': ['GET', 'PATCH'], '/cluster/entries': ['POST'] };
    await start({ settings: { maxInFlightRequests: 1 }, methods });
    const held = query();
    await operations.holding(1);
    expect(refusal(await query())).toContain('overloaded');
    const sent = { headers: { 'content-length': '2' }, body: '{}' };
    // This server has no such routes.
    expect((await server.send('POST', '/cluster/entries', sent)).status).toBe(404);
    expect((await server.send('PATCH', '/cluster?a=b', sent)).status).toBe(404);
    expect(refusal(await server.send('POST', '/clusters', sent))).toContain('overloaded');
    expect(refusal(await server.send('POST', '/cluster/other', sent))).toContain('overloaded');
    operations.release();
    await held;
  });

  it('answers the check that it is alive', async () => {
    await start({ settings: { maxInFlightRequests: 1 } });
    const held = query();
    await operations.holding(1);
    expect((await server.send('GET', '/health/live')).status).toBe(200);
    expect((await server.send('GET', '/health/ready')).status).toBe(503);
    operations.release();
    await held;
  });

  it('does not count requests whose clients disconnected', async () => {
    await start({ settings: { maxInFlightRequests: 1 } });
    const gone = query();
    gone.catch(() => undefined); // it is cut below
    await operations.holding(1);
    server.hangUp();
    await server.budget.drain();
    await expect(gone).rejects.toMatchObject({ code: 'ECONNRESET' });
  });
});

describe('a server that holds as many bytes as it may', () => {
  it('answers a request for its metrics, but not if the request has a body', async () => {
    await start({ settings: { maxInFlightBytes: 10 } });
    const held = query();
    await operations.holding(1);
    expect((await server.send('GET', '/metrics')).status).toBe(200);
    const sent = { headers: { 'content-length': '20' }, body: ' '.repeat(20) };
    expect(refusal(await server.send('GET', '/metrics', sent))).toContain('overloaded');
    operations.release();
    await held;
  });

  it('admits a request larger than the limit if it is alone, and refuses all others meanwhile', async () => {
    await start({ settings: { maxInFlightBytes: 10 } });
    const held = query();
    await operations.holding(1);
    expect(refusal(await query())).toEqual([503, '1', 'close', 'overloaded']);
    expect(refusal(await server.send('GET', '/fetch'))).toContain('overloaded');
    operations.release();
    expect((await held).status).toBe(200);
  });

  it('refuses a body without a declared length when it exceeds the budget', async () => {
    await start({ settings: { maxInFlightBytes: 1000 } });
    const held = query();
    await operations.holding(1);
    const headers = { 'transfer-encoding': 'chunked' };
    const growing = await server.send('POST', '/query', { headers, body: ' '.repeat(2000) });
    expect(refusal(growing)).toEqual([503, '1', 'close', 'overloaded']);
    const small = server.send('POST', '/query', { headers, body: '[]' });
    await operations.holding(2);
    operations.release();
    expect((await small).status).toBe(200);
    await held;
  });
});

describe('a server that is shutting down', () => {
  it('finishes requests in flight and refuses others, except for the check that it is alive', async () => {
    await start();
    const held = query();
    await operations.holding(1);
    let drained = false;
    const draining = server.budget.drain().then(() => (drained = true));
    expect(refusal(await query())).toEqual([503, '1', 'close', 'shutting_down']);
    expect(refusal(await server.send('GET', '/health/ready'))).toEqual([503, '1', 'close', 'shutting_down']);
    const live = await server.send('GET', '/health/live');
    expect([live.status, live.headers.connection, drained]).toEqual([200, 'close', false]);
    operations.release();
    expect((await held).status).toBe(200);
    await draining;
    expect(drained).toBe(true);
  });

  it('has drained at once if nothing is in flight', async () => {
    await start();
    await expect(server.budget.drain()).resolves.toBeUndefined();
  });
});

describe('readiness', () => {
  it('is the answer of the application', async () => {
    const obstacles: string[] = [];
    await start({ readiness: { check: () => Promise.resolve(obstacles[0]) } });
    expect((await server.send('GET', '/health/ready')).status).toBe(200);
    obstacles.push('no node');
    const answer = await server.send('GET', '/health/ready');
    expect([answer.status, answer.headers['retry-after'], jsonOf(answer)]).toMatchObject([
      503,
      '1',
      { code: 'not_ready', detail: 'no node' },
    ]);
  });
});
