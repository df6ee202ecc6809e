import { brandKey, brandValue, keyId } from '@kvs/protocol';
import { MapOperations } from '@kvs/protocol/testing';
import { chunked, exchange, type RawRequest } from '../testing/raw-exchange.js';
import { jsonOf, TestServer } from '../testing/test-server.js';

const data = { encoding: 'string', data: 'k' } as const;
const evil = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' };
const app = { 'sec-fetch-site': 'cross-site', origin: 'https://app.example' };

let operations: MapOperations;
let server: TestServer;
async function start(fastLane: boolean, allowOrigins: readonly string[] = []): Promise<void> {
  operations = new MapOperations();
  const key = brandKey(data);
  operations.pairs.set(keyId(key), { key, value: brandValue(data), version: 1 });
  server = await TestServer.start(operations, { host: '127.0.0.1', settings: { fastLane, allowOrigins } });
}
afterEach(() => server.stop());

describe.each([
  ['on the fast path', true],
  ['through Express', false],
])('%s', (_way, fastLane) => {
  it.each<[string, RawRequest]>([
    [
      'a form',
      {
        method: 'POST',
        path: '/delete',
        headers: { 'content-type': 'text/plain' },
        body: JSON.stringify([data]),
      },
    ],
    [
      'chunks',
      {
        method: 'POST',
        path: '/delete',
        headers: { 'transfer-encoding': 'chunked' },
        body: chunked(JSON.stringify([data])),
      },
    ],
    ['one key', { method: 'DELETE', path: '/keys/k' }],
    [
      'a body that it announces first',
      { method: 'PUT', path: '/keys/k', headers: { expect: '100-continue' }, body: 'new' },
    ],
    ['an unknown expectation', { method: 'DELETE', path: '/keys/k', headers: { expect: 'the-best' } }],
  ])('%s of a page of another origin changes nothing', async (_what, request) => {
    await start(fastLane);
    const host = { host: 'localhost' };
    expect(
      await exchange(server.port, [{ ...request, headers: { ...request.headers, ...host, ...evil } }]),
    ).toMatch(/^HTTP\/1\.1 403 [^]*"code":"cross_origin"/);
    const rebound = { ...request.headers, host: 'evil.example' };
    expect(await exchange(server.port, [{ ...request, headers: rebound }])).toMatch(
      /^HTTP\/1\.1 421 [^]*"wrong_host"/,
    );
    expect([...operations.pairs.values()]).toMatchObject([{ version: 1 }]);
  });

  it('a page of an allowed origin reads the answers and their headers, those of failures too', async () => {
    await start(fastLane, ['https://app.example']);
    const body = JSON.stringify([data]);
    for (const [method, path, sent] of [
      ['POST', '/fetch', body],
      ['POST', '/fetch?meta=no', body],
      ['POST', '/query', '['],
      ['GET', '/fetch', undefined],
      ['GET', '/keys/k', undefined],
      ['GET', '/nowhere', undefined],
    ] as const) {
      const { headers } = await server.send(method, path, { headers: app, ...(sent && { body: sent }) });
      expect(headers).toMatchObject({ 'access-control-allow-origin': app.origin, vary: 'Origin' });
      expect(headers['access-control-expose-headers']?.toLowerCase().split(', ')).toEqual(
        expect.arrayContaining(['etag', 'kvs-next-cursor', 'kvs-ttl-ms', 'kvs-missing-nodes']),
      );
    }
    const refused = await server.send('POST', '/fetch', { headers: evil, body });
    expect([refused.status, refused.headers.vary]).toEqual([403, 'Origin']);
    expect(refused.headers).not.toHaveProperty('access-control-allow-origin');
    const program = await server.send('POST', '/fetch', { body });
    expect([program.status, program.headers.vary]).toEqual([200, 'Origin']);
  });
});

it('a browser learns what a page of an allowed origin may send, and that a page of another origin may send nothing', async () => {
  await start(true, ['https://app.example']);
  const asked = {
    'access-control-request-method': 'PUT',
    'access-control-request-headers': 'content-type,if-match',
  };
  const allowed = await server.send('OPTIONS', '/keys/k', { headers: { ...app, ...asked } });
  expect(allowed.status).toBe(204);
  expect(allowed.headers).toMatchObject({
    'access-control-allow-origin': 'https://app.example',
    'access-control-allow-methods': 'GET, HEAD, PUT, DELETE',
    'access-control-allow-headers': 'content-type,if-match',
    'access-control-max-age': '7200',
  });
  const refused = await server.send('OPTIONS', '/keys/k', { headers: { ...evil, ...asked } });
  expect([refused.status, jsonOf(refused)]).toMatchObject([403, { code: 'cross_origin' }]);
  const plain = await server.send('OPTIONS', '/keys/k');
  expect(Object.keys(plain.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
});

it('without allowed origins, answers do not speak of origins', async () => {
  await start(true);
  const { status, headers } = await server.send('POST', '/query', {
    headers: { 'sec-fetch-site': 'same-origin' },
    body: '[]',
  });
  expect(status).toBe(200);
  expect(Object.keys(headers).filter((name) => name === 'vary' || name.startsWith('access-control'))).toEqual(
    [],
  );
});

it('no browser guesses the type of any answer', async () => {
  await start(true);
  for (const [method, path, sent, expected] of [
    ['POST', '/query', {}, 200],
    ['POST', '/fetch', { body: '' }, 400],
    ['POST', '/fetch', { body: ' '.repeat(5000) }, 413],
    ['POST', '/fetch', { headers: { expect: '100-continue', 'content-length': '5000' } }, 413],
    ['POST', '/fetch', { headers: evil }, 403],
    ['GET', '/fetch', { headers: { expect: 'the-best' } }, 417],
    ['GET', '/fetch', {}, 200],
    ['HEAD', '/fetch', {}, 200],
    ['GET', '/keys/k', {}, 200],
    ['PUT', '/keys/new', {}, 201],
    ['GET', '/keys/absent', {}, 404],
    ['OPTIONS', '/set', {}, 204],
    ['GET', '/set', {}, 405],
    ['GET', '/metrics', {}, 200],
    ['GET', '/health/ready', {}, 200],
    ['GET', '/', {}, 302],
    ['GET', '/docs', {}, 200],
    ['GET', '/docs/swagger-ui.css', {}, 200],
    ['GET', '/openapi.json', {}, 200],
    ['GET', '/nowhere', {}, 404],
  ] as const) {
    const body = method === 'POST' ? { body: '[]' } : {};
    const { status, headers } = await server.send(method, path, { ...body, ...sent });
    expect([method, path, status, headers['x-content-type-options']]).toEqual([
      method,
      path,
      expected,
      'nosniff',
    ]);
  }
});

it('the documentation runs none but its own scripts, and in no frame', async () => {
  await start(true);
  const page = await server.send('GET', '/docs');
  expect(page.headers['x-frame-options']).toBe('DENY');
  const policy = String(page.headers['content-security-policy']);
  expect(policy).toMatch(/default-src 'none'; script-src 'self'; .*frame-ancestors 'none'/);
  const scripts = [...page.text.matchAll(/<script\b([^>]*)>([^<]*)/g)];
  expect(scripts.length).toBeGreaterThan(0);
  for (const [, attributes = '', inline = ''] of scripts) {
    // The policy forbids scripts in the page itself.
    expect(inline.trim()).toBe('');
    const [, source = ''] = /src="([^"]*)"/.exec(attributes) ?? [];
    const { origin, pathname } = new URL(source, 'http://localhost/docs');
    expect(origin).toBe('http://localhost');
    expect((await server.send('GET', pathname)).status).toBe(200);
  }
});

it('a request that is refused is answered in its turn', async () => {
  await start(true);
  const answers = await exchange(server.port, [
    { method: 'GET', path: '/keys/k', headers: { host: 'localhost' } },
    { method: 'DELETE', path: '/keys/k', headers: { host: 'localhost', ...evil } },
    { method: 'DELETE', path: '/keys/k', headers: { host: 'localhost' } },
  ]);
  expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 403']);
  expect(operations.pairs.size).toBe(1);
});
