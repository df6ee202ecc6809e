import { once } from 'node:events';
import { connect } from 'node:net';
import { stringKey } from '@kvs/protocol';
import { MapOperations, until } from '@kvs/protocol/testing';
import { counter } from '@kvs/server';
import { readExposition, type Samples } from '@kvs/server/testing';
import { jsonOf, TestServer, type TestServerOptions } from '../testing/test-server.js';

let server: TestServer;
afterEach(() => server.stop());

async function start(options?: TestServerOptions, operations = new MapOperations()): Promise<void> {
  server = await TestServer.start(operations, options);
}

async function samples(): Promise<Samples> {
  return readExposition((await server.send('GET', '/metrics')).text).samples;
}

async function requestCounts(): Promise<Record<string, number>> {
  const counts = [...(await samples())].flatMap(([id, value]) => {
    const labels = /^kvs_http_requests_total\{method="(.*)",route="(.*)",status="(.*)"\}$/.exec(id);
    return labels ? [[labels.slice(1).join(' '), value] as const] : [];
  });
  return Object.fromEntries(counts);
}

/** The series of requests but for those of the scrapes themselves. */
async function requestSeries(): Promise<string[]> {
  const ids = [...(await samples()).keys()];
  return ids.filter((id) => id.startsWith('kvs_http_request') && !id.includes('route="/metrics"'));
}

describe('GET /metrics', () => {
  it('is a page in the text format of Prometheus, with the process beside the requests', async () => {
    await start();
    const { status, headers, text } = await server.send('GET', '/metrics');
    expect([status, headers['content-type']]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    const { types } = readExposition(text);
    expect(Object.fromEntries(types)).toMatchObject({
      kvs_http_requests_total: 'counter',
      kvs_http_request_duration_seconds: 'histogram',
      kvs_requests_in_flight: 'gauge',
      kvs_request_bytes_in_flight: 'gauge',
      kvs_unread_answer_bytes: 'gauge',
      process_cpu_seconds_total: 'counter',
      process_start_time_seconds: 'gauge',
      process_resident_memory_bytes: 'gauge',
      nodejs_heap_size_used_bytes: 'gauge',
    });
  });

  it('counts by method, template of the route, and status, whatever the path is like', async () => {
    await start();
    for (const path of ['/keys/a', '/keys/b/c', '/KEYS/d', '/keys/e?encoding=binary']) {
      await server.send('GET', path);
    }
    await server.send('GET', '/keys/..%2f..%2fmetrics');
    await server.send('PUT', '/keys/a', { body: 'value' });
    await server.send('HEAD', '/keys/a');
    await server.sendJson('POST', '/Query/', []);
    await server.send('POST', '/set');
    await server.send('GET', '/docs/');
    await server.send('GET', '/nowhere/1');
    await server.send('GET', '/nowhere/2');
    expect(await requestCounts()).toEqual({
      'GET /keys/{key} 404': 4,
      'GET /keys/{key} 400': 1,
      'PUT /keys/{key} 201': 1,
      'HEAD /keys/{key} 200': 1,
      'POST /query 200': 1,
      'POST /set 405': 1,
      'GET /docs 200': 1,
      'GET unknown 404': 2,
    });
  });

  it('counts itself when it is done', async () => {
    await start();
    await server.send('GET', '/metrics');
    expect(await requestCounts()).toEqual({ 'GET /metrics 200': 1 });
  });

  it('has as many series after a thousand paths as after one', async () => {
    await start();
    await server.send('GET', '/keys/0');
    await server.send('GET', '/elsewhere/0');
    const before = await requestSeries();
    for (let i = 1; i < 500; i++) {
      await server.send('GET', `/keys/${i}?encoding=string`);
      await server.send('GET', `/elsewhere/${i}`);
    }
    expect(await requestSeries()).toEqual(before);
  });

  it('takes no other method', async () => {
    await start();
    const answer = await server.send('POST', '/metrics');
    expect([answer.status, answer.headers.allow, jsonOf(answer)]).toMatchObject([
      405,
      'GET, HEAD',
      { code: 'method_not_allowed' },
    ]);
  });

  it('answers HEAD with the same header and no body', async () => {
    await start();
    const { status, headers, text } = await server.send('HEAD', '/metrics');
    expect([status, text]).toEqual([200, '']);
    expect(headers['content-type']).toContain('text/plain');
  });

  it('shows what the app has to show', async () => {
    const values = [{ labels: { kind: 'a "quoted"\nword' }, value: 7 }];
    await start({ metrics: { collect: () => [counter('kvs_things_total', 'Things', values)] } });
    expect((await samples()).get('kvs_things_total{kind="a \\"quoted\\"\\nword"}')).toBe(7);
  });

  it('is in the API description', async () => {
    await start();
    expect(jsonOf(await server.send('GET', '/openapi.json'))).toHaveProperty(['paths', '/metrics', 'get']);
  });
});

describe('a request that does not get to its route', () => {
  it('counts when it is refused for being too much, and /metrics is still answered', async () => {
    await start({ settings: { maxInFlightRequests: 1 } }, new NeverAnswering());
    const held = server.open('POST', '/query', { body: JSON.stringify([stringKey('k')]) });
    held.catch(() => undefined); // it is cut below
    // It must be admitted before anything else is asked.
    await until(() => server.admission.load.requests > 0);
    expect((await samples()).get('kvs_requests_in_flight{protocol="http"}')).toBe(2);
    expect((await server.send('POST', '/query', { body: '[]' })).status).toBe(503);
    expect(await requestCounts()).toMatchObject({ 'POST /query 503': 1 });
    expect((await samples()).get('kvs_request_bytes_in_flight{protocol="http"}')).toBeGreaterThan(0);
    server.hangUp();
    await until(async () => (await requestCounts())['POST /query 499'] === 1);
    expect((await samples()).get('kvs_request_bytes_in_flight{protocol="http"}')).toBe(0);
  });

  it('counts when its body is refused before it is sent', async () => {
    await start();
    const socket = connect(server.port, '127.0.0.1');
    socket.write('PUT /set HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 99999999\r\n\r\n');
    await once(socket.resume(), 'close');
    expect(await requestCounts()).toMatchObject({ 'PUT /set 413': 1 });
  });
});

class NeverAnswering extends MapOperations {
  override query(): Promise<never> {
    return new Promise(() => undefined);
  }
}
