import { stringKey, stringValue, type ErrorCode } from '@kvs/protocol';
import { MapOperations } from '@kvs/protocol/testing';
import { jsonOf, TestServer, type Received } from '../testing/test-server.js';

let operations: MapOperations;
let server: TestServer;
beforeAll(async () => {
  operations = new MapOperations();
  server = await TestServer.start(operations);
});
afterEach(() => {
  operations.pairs.clear();
  for (const name of ['set', 'fetch', 'delete'] as const) Reflect.deleteProperty(operations, name);
});
afterAll(() => server.stop());

const TEXT = { 'content-type': 'text/plain' };
const BYTES = { 'content-type': 'application/octet-stream' };

async function put(path: string, body: string | Uint8Array = 'v', headers = {}): Promise<string> {
  const { status, headers: answered } = await server.send('PUT', path, {
    body,
    headers: { ...TEXT, ...headers },
  });
  expect([200, 201, 204]).toContain(status);
  return String(answered.etag);
}

function outcome(answer: Received): { status: number | undefined; code: unknown } {
  const body = answer.text === '' ? {} : jsonOf(answer);
  return { status: answer.status, code: (body as { code?: unknown }).code };
}

const storedKeys = () => [...operations.pairs.values()].map(({ key }) => key);

describe('a value', () => {
  it('goes in and comes out as text', async () => {
    const written = await server.send('PUT', '/keys/k', { headers: TEXT, body: 'grüße 😀' });
    expect([written.status, written.text, written.headers.etag]).toEqual([
      201,
      '',
      expect.stringMatching(/^"\d+"$/),
    ]);
    const read = await server.send('GET', '/keys/k');
    expect([read.status, read.text]).toEqual([200, 'grüße 😀']);
    expect(read.headers).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'content-length': '12',
      etag: written.headers.etag,
      'x-content-type-options': 'nosniff',
    });
    expect(read.headers).not.toHaveProperty('kvs-ttl-ms');
  });

  it('goes in and comes out as bytes', async () => {
    const bytes = Buffer.from([0, 255, 10, 13, 128]);
    await put('/keys/k', bytes, BYTES);
    const read = await server.send('GET', '/keys/k');
    expect([read.headers['content-type'], read.bytes]).toEqual(['application/octet-stream', bytes]);
    expect([...operations.pairs.values()][0]?.value).toEqual({ encoding: 'binary', data: '00ff0a0d80' });
  });

  it('may be empty', async () => {
    await put('/keys/k', '');
    const read = await server.send('GET', '/keys/k');
    expect([read.status, read.text, read.headers['content-length']]).toEqual([200, '', '0']);
  });

  it.each<[string, Record<string, string>]>([
    ['no content type', {}],
    ["curl's form type", { 'content-type': 'application/x-www-form-urlencoded' }],
    ['text of a charset that is UTF-8', { 'content-type': 'TEXT/plain; Charset="UTF-8"' }],
  ])('is text under %s', async (_, headers) => {
    const { status } = await server.send('PUT', '/keys/k', { headers, body: 'a=b' });
    expect(status).toBe(201);
    expect([...operations.pairs.values()][0]?.value).toEqual(stringValue('a=b'));
  });

  it.each<[string, Record<string, string>, Buffer, number, ErrorCode]>([
    ['text that is not UTF-8', TEXT, Buffer.from([0xff]), 400, 'invalid_data'],
    ['bytes of no content type', {}, Buffer.from([0xff]), 415, 'unsupported_media_type'],
    [
      'text in another charset',
      { 'content-type': 'text/plain; charset=latin1' },
      Buffer.from('a'),
      415,
      'unsupported_media_type',
    ],
    [
      'any other type',
      { 'content-type': 'application/json' },
      Buffer.from('{}'),
      415,
      'unsupported_media_type',
    ],
    ['more than a value may have', TEXT, Buffer.alloc(1025, 'a'), 413, 'value_too_large'],
    ['more bytes than a value may have', BYTES, Buffer.alloc(1025), 413, 'value_too_large'],
    ['more than a body may have', TEXT, Buffer.alloc(4097, 'a'), 413, 'body_too_large'],
  ])('that is %s is refused, and nothing stored', async (_, headers, body, status, code) => {
    expect(outcome(await server.send('PUT', '/keys/k', { headers, body }))).toEqual({ status, code });
    expect(operations.pairs.size).toBe(0);
  });

  it('has its time to live, in and out', async () => {
    await put('/keys/k', 'v', { 'kvs-ttl-ms': '60000' });
    expect((await server.send('GET', '/keys/k')).headers['kvs-ttl-ms']).toBe('60000');
  });

  it.each(['0', '-1', '1.5', 'soon', '', '1e3', '9999999999999999'])(
    'with a time to live of %j is refused',
    async (ttl) => {
      const answer = await server.send('PUT', '/keys/k', {
        headers: { ...TEXT, 'kvs-ttl-ms': ttl },
        body: 'v',
      });
      expect(outcome(answer)).toEqual({ status: 400, code: 'invalid_ttl' });
      expect(operations.pairs.size).toBe(0);
    },
  );
});

describe('a key', () => {
  it.each([
    ['/keys/plain', { encoding: 'string', data: 'plain' }],
    ['/keys/a/b', { encoding: 'string', data: 'a/b' }],
    ['/keys/a%2Fb', { encoding: 'string', data: 'a/b' }],
    ['/keys/a/', { encoding: 'string', data: 'a/' }],
    ['/keys//a', { encoding: 'string', data: '/a' }],
    ['/keys/keys/a', { encoding: 'string', data: 'keys/a' }],
    ['/KEYS/a', { encoding: 'string', data: 'a' }],
    ['/Keys/keys/a', { encoding: 'string', data: 'keys/a' }],
    ['http://host/keys/keys/a', { encoding: 'string', data: 'keys/a' }],
    ['/keys/a+b%20c%3F', { encoding: 'string', data: 'a+b c?' }],
    ['/keys/%C3%BC%F0%9F%98%80', { encoding: 'string', data: 'ü😀' }],
    ['/keys/%00', { encoding: 'string', data: '\0' }],
    ['/keys/..%2F..', { encoding: 'string', data: '../..' }],
    ['/keys/a?encoding=string', { encoding: 'string', data: 'a' }],
    ['/keys/00FF?encoding=binary', { encoding: 'binary', data: '00ff' }],
  ])('is read from %s', async (path, key) => {
    await put(path);
    expect(storedKeys()).toEqual([key]);
    expect((await server.send('GET', path)).text).toBe('v');
    expect((await server.send('DELETE', path)).status).toBe(204);
    expect(storedKeys()).toEqual([]);
  });

  it.each<[string, number, ErrorCode]>([
    ['/keys/%', 400, 'invalid_data'],
    ['/keys/%zz', 400, 'invalid_data'],
    ['/keys/%ff', 400, 'invalid_data'],
    ['/keys/%ED%A0%80', 400, 'invalid_data'],
    ['/keys/abc?encoding=binary', 400, 'invalid_data'],
    ['/keys/xy?encoding=binary', 400, 'invalid_data'],
    ['/keys/ab?encoding=hex', 400, 'invalid_parameter'],
    ['/keys/ab?meta=true', 400, 'invalid_parameter'],
    [`/keys/${'k'.repeat(65)}`, 413, 'key_too_long'],
    [`/keys/${'00'.repeat(65)}?encoding=binary`, 413, 'key_too_long'],
    ['/keys/%80', 400, 'invalid_data'],
    ['/keys/a%80/b', 400, 'invalid_data'],
    ['/keys/', 400, 'empty_key'],
    ['/keys/?encoding=binary', 400, 'empty_key'],
    ['/Keys/', 400, 'empty_key'],
    ['/keys', 404, 'not_found'],
  ])('is refused in %s', async (path, status, code) => {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const answer = await server.send(method, path, method === 'PUT' ? { headers: TEXT, body: 'v' } : {});
      expect(outcome(answer)).toEqual({ status, code });
      expect(answer.headers['content-type']).toBe('application/problem+json');
    }
    expect(operations.pairs.size).toBe(0);
  });

  it('may be as long as the limit', async () => {
    await put(`/keys/${'%C3%BC'.repeat(32)}`);
    expect(storedKeys()).toEqual([stringKey('ü'.repeat(32))]);
  });

  it('that is absent is 404, to read and to remove', async () => {
    for (const method of ['GET', 'DELETE']) {
      expect(outcome(await server.send(method, '/keys/k'))).toEqual({ status: 404, code: 'key_not_found' });
    }
    expect((await server.send('HEAD', '/keys/k')).status).toBe(404);
  });
});

it('HEAD has the headers of GET and no body', async () => {
  await put('/keys/k', 'value', { 'kvs-ttl-ms': '60000' });
  const get = await server.send('GET', '/keys/k');
  const head = await server.send('HEAD', '/keys/k');
  expect([head.status, head.text]).toEqual([200, '']);
  expect({ ...head.headers, date: '' }).toEqual({ ...get.headers, date: '' });
});

it('PUT answers 201 when it creates the key and 204 when it replaces the value, whatever the condition', async () => {
  const write = (headers = {}) =>
    server.send('PUT', '/keys/k', { headers: { ...TEXT, ...headers }, body: 'v' });
  const statuses: (number | undefined)[] = [];
  for (const condition of [{}, { 'if-none-match': '*' }, { 'if-none-match': '"99999"' }]) {
    await server.send('DELETE', '/keys/k');
    const created = await write(condition);
    const replaced = [await write(), await write({ 'if-match': '*' })];
    statuses.push(created.status, ...replaced.map(({ status }) => status));
  }
  expect(statuses).toEqual([201, 204, 204, 201, 204, 204, 201, 204, 204]);
});

describe('a conditional request', () => {
  it('creates only what is absent, under If-None-Match: *', async () => {
    const create = () =>
      server.send('PUT', '/keys/k', { headers: { ...TEXT, 'if-none-match': '*' }, body: 'v' });
    const created = await create();
    expect([created.status, created.headers.etag]).toEqual([201, expect.stringMatching(/^"\d+"$/)]);
    expect(outcome(await create())).toEqual({ status: 412, code: 'precondition_failed' });
  });

  it('overwrites only the version that the client knows, under If-Match', async () => {
    const first = await put('/keys/k', 'one');
    const second = await put('/keys/k', 'two', { 'if-match': first });
    const stale = await server.send('PUT', '/keys/k', {
      headers: { ...TEXT, 'if-match': first },
      body: 'three',
    });
    expect(outcome(stale)).toEqual({ status: 412, code: 'precondition_failed' });
    const { text, headers } = await server.send('GET', '/keys/k');
    expect([text, headers.etag]).toEqual(['two', second]);
  });

  it('removes only the version that the client knows, under If-Match', async () => {
    const etag = await put('/keys/k');
    const remove = (tag: string) => server.send('DELETE', '/keys/k', { headers: { 'if-match': tag } });
    expect(outcome(await remove('"99999"'))).toEqual({ status: 412, code: 'precondition_failed' });
    expect((await remove(etag)).status).toBe(204);
    expect((await remove('*')).status).toBe(412);
  });

  it('reads only what the client does not have, under If-None-Match', async () => {
    const etag = await put('/keys/k');
    for (const method of ['GET', 'HEAD']) {
      const known = await server.send(method, '/keys/k', { headers: { 'if-none-match': `"1x", W/${etag}` } });
      expect([known.status, known.text, known.headers.etag]).toEqual([304, '', etag]);
    }
    expect((await server.send('GET', '/keys/k', { headers: { 'if-none-match': '"99999"' } })).status).toBe(
      200,
    );
  });

  it('reads only the version that is asked for, under If-Match; absence comes first', async () => {
    const etag = await put('/keys/k');
    const read = (tag: string, path = '/keys/k') =>
      server.send('GET', path, { headers: { 'if-match': tag } });
    expect((await read(etag)).status).toBe(200);
    expect(outcome(await read('"99999"'))).toEqual({ status: 412, code: 'precondition_failed' });
    expect((await read('*', '/keys/absent')).status).toBe(404);
  });

  it('is refused when its condition cannot be read, and changes nothing', async () => {
    const etag = await put('/keys/k');
    for (const [name, value] of [
      ['if-match', 'x'],
      ['if-none-match', etag.slice(1)],
    ] as const) {
      const answer = await server.send('PUT', '/keys/k', {
        headers: { ...TEXT, [name]: value },
        body: 'new',
      });
      expect(outcome(answer)).toEqual({ status: 400, code: 'invalid_parameter' });
    }
    expect((await server.send('GET', '/keys/k')).headers.etag).toBe(etag);
  });
});

describe('a failure of the store', () => {
  it.each([
    ['out_of_memory', 507],
    ['node_unavailable', 503],
    ['engine_unavailable', 503],
    ['node_error', 502],
  ] as const)('%s is a problem of status %i', async (code, status) => {
    const failed = () => [{ ok: false as const, code, message: 'why' }];
    Object.assign(operations, { set: failed, fetch: failed, delete: failed });
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const answer = await server.send(
        method,
        '/keys/k',
        method === 'PUT' ? { headers: TEXT, body: 'v' } : {},
      );
      expect(outcome(answer)).toEqual({ status, code });
      expect(answer.headers['retry-after']).toBe(status === 503 ? '1' : undefined);
      expect(jsonOf(answer)).not.toHaveProperty('maybe_applied');
    }
  });

  it('that leaves open whether a write was applied says so', async () => {
    await put('/keys/k');
    const failed = () => [{ ok: false, code: 'node_unavailable', message: 'why', maybeApplied: true }];
    Object.assign(operations, { set: failed, delete: failed });
    const sent = { headers: TEXT, body: 'v' };
    const conditional = { ...sent, headers: { ...TEXT, 'if-match': '*' } };
    for (const [method, request] of [
      ['PUT', sent],
      ['PUT', conditional],
      ['DELETE', {}],
    ] as const) {
      const answer = await server.send(method, '/keys/k', request);
      expect([answer.status, jsonOf(answer)]).toMatchObject([
        503,
        { code: 'node_unavailable', detail: 'why; the write may have been applied', maybe_applied: true },
      ]);
    }
  });
});
