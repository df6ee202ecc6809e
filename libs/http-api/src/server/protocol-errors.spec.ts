import { connect } from 'node:net';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { MapOperations } from '@kvs/protocol/testing';
import { TestServer } from '../testing/test-server.js';

let server: TestServer;
beforeEach(async () => {
  server = await TestServer.start(new MapOperations());
});
afterEach(() => server.stop());

/** Everything that the server answers to these bytes. */
async function answerTo(bytes: string): Promise<string> {
  const socket = connect(server.port, '127.0.0.1');
  let answer = '';
  socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
  socket.write(bytes);
  await once(socket, 'close');
  return answer;
}

it.each([
  ['no HTTP', 'hello\r\n\r\n', 400, 'invalid_request'],
  [
    'a malformed chunk',
    'PUT /set HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
    400,
    'invalid_request',
  ],
  [
    'two lengths',
    'PUT /set HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\na',
    400,
    'invalid_request',
  ],
  [
    'a length and chunks',
    'PUT /set HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n',
    400,
    'invalid_request',
  ],
  ['a target of another scheme', 'PUT ftp://x/keys/a HTTP/1.1\r\nhost: x\r\n\r\n', 400, 'invalid_request'],
  ['a target that is no URL', 'GET http://[x/keys/a HTTP/1.1\r\nhost: x\r\n\r\n', 400, 'invalid_request'],
  ['a target with a fragment', 'PUT /keys/a#b HTTP/1.1\r\nhost: x\r\n\r\n', 400, 'invalid_request'],
  ['a target with a backslash', 'PUT /keys\\a HTTP/1.1\r\nhost: x\r\n\r\n', 400, 'invalid_request'],
  ['no host', 'GET /fetch HTTP/1.1\r\n\r\n', 400, 'invalid_request'],
  ['two hosts', 'GET /fetch HTTP/1.1\r\nhost: x\r\nHost: x\r\n\r\n', 400, 'invalid_request'],
  [
    'an expectation',
    'PUT /set HTTP/1.1\r\nhost: x\r\nexpect: the-best\r\ncontent-length: 2\r\n\r\n[]',
    417,
    'expectation_failed',
  ],
  ['a coding', 'PUT /set HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\n\r\n[]', 501, 'not_implemented'],
  [
    'a coding before the chunks',
    'PUT /set HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    501,
    'not_implemented',
  ],
  [
    'a coding after the chunks',
    'PUT /set HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, gzip\r\n\r\n',
    501,
    'not_implemented',
  ],
  [
    'headers beyond measure',
    `GET /fetch HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`,
    431,
    'headers_too_large',
  ],
  [
    'chunk extensions beyond measure',
    `PUT /set HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1;${'y'.repeat(100_000)}\r\n`,
    413,
    'body_too_large',
  ],
])('%s: a problem', async (_what, bytes, status, code) => {
  const answer = await answerTo(bytes);
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(head).toContain('content-type: application/problem+json');
  expect(head).toContain('x-content-type-options: nosniff');
  expect(JSON.parse(body)).toMatchObject({ status, code });
});

it('headers that do not come in time: a problem', async () => {
  const socket = connect(server.port, '127.0.0.1');
  const connected = new Promise<Duplex>((resolve) => server.http.once('connection', resolve));
  socket.write('GET /fetch HTTP/1.1\r\n');
  const error = Object.assign(new Error('Request timeout'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
  server.http.emit('clientError', error, await connected);
  const parts = await socket.setEncoding('utf8').toArray();
  expect(parts.join('')).toMatch(/^HTTP\/1\.1 408 [\s\S]*"code":"request_timeout"/);
});

it('a client that expects 100-continue learns at once that its body is too large', async () => {
  const request =
    'PUT /set HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 99999999999\r\n\r\n';
  expect(await answerTo(request)).toMatch(/^HTTP\/1.1 413 [\s\S]*"code":"body_too_large"/);
});

it('a body in a content encoding is refused, because its size is unknown', async () => {
  const headers = { 'content-encoding': 'gzip', 'content-type': 'application/json' };
  expect((await server.send('PUT', '/set', { headers, body: '[]' })).status).toBe(415);
});
