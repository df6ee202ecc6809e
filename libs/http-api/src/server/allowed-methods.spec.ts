import { MapOperations } from '@kvs/protocol/testing';
import { jsonOf, TestServer } from '../testing/test-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start(new MapOperations());
});
afterAll(() => server.stop());

describe('a method that the path does not allow', () => {
  it.each([
    ['POST', '/set', 'PUT'],
    ['PUT', '/fetch', 'GET, HEAD, POST'],
    ['GET', '/query?x=1', 'POST'],
    ['DELETE', '/delete', 'POST'],
    ['PATCH', '/keys/a', 'GET, HEAD, PUT, DELETE'],
    ['POST', '/keys/a/b/c', 'GET, HEAD, PUT, DELETE'],
    ['PATCH', '/KEYS/a', 'GET, HEAD, PUT, DELETE'],
    ['POST', '/Set/', 'PUT'],
    ['DELETE', '/health/live', 'GET, HEAD'],
    ['POST', '/openapi.json', 'GET, HEAD'],
    ['PATCH', 'http://any.host/keys/a?x', 'GET, HEAD, PUT, DELETE'],
    ['POST', '/docs', 'GET, HEAD'],
  ])('%s %s is 405 with Allow: %s', async (method, path, allow) => {
    const answer = await server.send(method, path);
    expect([answer.status, answer.headers.allow, jsonOf(answer)]).toMatchObject([
      405,
      allow,
      { code: 'method_not_allowed' },
    ]);
  });

  it('OPTIONS is answered with Allow alone', async () => {
    const { status, headers, text } = await server.send('OPTIONS', '/fetch');
    expect([status, headers.allow, text]).toEqual([204, 'GET, HEAD, POST', '']);
  });
});

it.each(['/sets', '/set/more', '/fetch/x', '/constructor', '/__proto__', '/keysabc'])(
  '%s is no path, by any method',
  async (path) => {
    for (const method of ['GET', 'PUT', 'POST', 'DELETE', 'OPTIONS']) {
      expect((await server.send(method, path)).status).toBe(404);
    }
  },
);

it.each([
  ['GET', '/SET', 405],
  ['GET', '/Fetch/', 200],
  ['HEAD', '/fetch', 200],
])(
  '%s %s finds its path in any case of letters, and with a slash at the end: %i',
  async (method, path, status) => {
    expect((await server.send(method, path)).status).toBe(status);
  },
);

it('/ leads to the documentation', async () => {
  const { status, headers } = await server.send('GET', '/');
  expect([status, headers.location]).toEqual([302, '/docs']);
});
