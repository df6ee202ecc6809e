import { KvsError, stringKey, stringValue, type ErrorCode, type ItemFailure } from '@kvs/protocol';
import { MapOperations } from '@kvs/protocol/testing';
import { jsonOf, TestServer } from '../testing/test-server.js';

const [a, b] = [stringKey('a'), stringKey('b')];
const value = stringValue('v');
const items = [
  { key: a, value },
  { key: b, value },
];

let operations: MapOperations;
let server: TestServer;
beforeAll(async () => {
  // One server for all: what is on the instance overrides what the class does, and is removed after each test.
  operations = new MapOperations();
  server = await TestServer.start(operations);
});
afterEach(() => {
  operations.pairs.clear();
  for (const name of ['set', 'fetch', 'query', 'delete'] as const) Reflect.deleteProperty(operations, name);
});
afterAll(() => server.stop());

const fail = (code: ErrorCode, maybeApplied?: true): ItemFailure => ({
  ok: false,
  code,
  message: 'why',
  ...(maybeApplied && { maybeApplied }),
});

describe('a write of which every item failed for one reason', () => {
  it.each([
    ['version_mismatch', 409],
    ['out_of_memory', 507],
    ['node_error', 502],
    ['node_unavailable', 503],
    ['engine_unavailable', 503],
  ] as const)('%s has its status, %i, and lists the items all the same', async (code, status) => {
    operations.set = () => [fail(code), fail(code)];
    operations.delete = () => [fail(code), fail(code)];
    const failed = [a, b].map((key) => ({ key, code, message: 'why' }));
    const set = await server.sendJson('PUT', '/set', items);
    expect([set.status, jsonOf(set)]).toEqual([status, { keys_added: 0, keys_failed: failed }]);
    expect(set.headers['retry-after']).toBe(status === 503 ? '1' : undefined);
    const deletion = await server.sendJson('POST', '/delete', [a, b]);
    expect([deletion.status, jsonOf(deletion)]).toEqual([status, { keys_deleted: 0, keys_failed: failed }]);
  });
});

describe('a write of which some items failed, or for several reasons', () => {
  it.each([
    ['one failed', [fail('out_of_memory'), { ok: true, version: 1, created: true }], 1],
    ['both failed for reasons of their own', [fail('out_of_memory'), fail('version_mismatch')], 0],
  ] as const)('is answered 207 when %s', async (_, outcomes, added) => {
    operations.set = () => outcomes;
    const answer = await server.sendJson('PUT', '/set', items);
    expect([answer.status, jsonOf(answer)]).toMatchObject([207, { keys_added: added }]);
  });

  it('says of which items it is not known whether they were written', async () => {
    operations.set = () => [fail('node_unavailable', true), { ok: true, version: 7, created: false }];
    const answer = await server.sendJson('PUT', '/set?meta=true', items);
    expect([answer.status, jsonOf(answer)]).toEqual([
      207,
      {
        keys_added: 1,
        keys_failed: [{ key: a, code: 'node_unavailable', message: 'why', maybe_applied: true }],
        versions: [null, 7],
        created: [null, false],
      },
    ]);
  });
});

describe('a read that misses some keys', () => {
  const error = { code: 'node_unavailable', message: 'why' };

  it('is answered 207, null with the reason in the place of what is missed', async () => {
    operations.fetch = () => [fail('node_unavailable'), { ok: true, entry: { value, version: 3 } }];
    operations.query = () => [{ ok: true, present: true }, fail('node_unavailable')];
    const fetched = await server.sendJson('POST', '/fetch', [a, b]);
    expect([fetched.status, jsonOf(fetched)]).toEqual([
      207,
      [
        { key: a, value: null, error },
        { key: b, value },
      ],
    ]);
    const queried = await server.sendJson('POST', '/query', [a, b]);
    expect([queried.status, jsonOf(queried)]).toEqual([
      207,
      [
        { key: a, value: true },
        { key: b, value: null, error },
      ],
    ]);
  });

  it('is answered 503 with Retry-After when all of them are missed', async () => {
    operations.query = () => [fail('node_unavailable')];
    const { status, headers } = await server.sendJson('POST', '/query', [a]);
    expect([status, headers['retry-after']]).toEqual([503, '1']);
  });
});

describe('what the operations throw', () => {
  it.each([
    ['engine_unavailable', 503],
    ['shutting_down', 503],
  ] as const)('%s is a problem of its status, %i', async (code, status) => {
    operations.set = () => Promise.reject(new KvsError(code, 'why'));
    const answer = await server.sendJson('PUT', '/set', items);
    expect([
      answer.status,
      answer.headers['content-type'],
      answer.headers['retry-after'],
      jsonOf(answer),
    ]).toEqual([
      status,
      'application/problem+json',
      '1',
      { type: `urn:kvs:error:${code}`, title: expect.any(String), status, detail: 'why', code },
    ]);
  });

  it('is a 500 that tells nothing of the inside when it is a defect', async () => {
    operations.set = () => {
      throw new TypeError('secret');
    };
    const answer = await server.sendJson('PUT', '/set', items);
    expect([answer.status, jsonOf(answer)]).toMatchObject([500, { code: 'internal_error' }]);
    expect(answer.text).not.toContain('secret');
  });
});

describe('a request that is wrong', () => {
  it.each([
    ['PUT', '/set?mate=true', 400, 'invalid_parameter'],
    ['POST', '/query?meta=true', 400, 'invalid_parameter'],
    ['GET', '/nowhere', 404, 'not_found'],
    ['GET', '/set', 405, 'method_not_allowed'],
  ])('%s %s is answered %i', async (method, path, status, code) => {
    const answer = await server.send(method, path, method === 'GET' ? {} : { body: '[]' });
    expect([answer.status, jsonOf(answer)]).toMatchObject([status, { status, code }]);
  });

  it.each([
    ['text/xml', '<a/>', 415, 'unsupported_media_type'],
    ['application/json', '<a/>', 400, 'invalid_json'],
    ['application/json', '', 400, 'invalid_json'],
    ['application/json', '{}', 400, 'invalid_shape'],
    ['application/json', `"${'x'.repeat(5000)}"`, 413, 'body_too_large'],
  ])('of type %s and body %.10j is answered %i, and does nothing', async (type, body, status, code) => {
    operations.set = () => {
      throw new TypeError('asked');
    };
    const answer = await server.send('PUT', '/set', { headers: { 'content-type': type }, body });
    expect([answer.status, jsonOf(answer)]).toMatchObject([status, { code }]);
  });

  it.each<Record<string, string>>([{}, { 'content-type': 'application/x-www-form-urlencoded' }])(
    'is not one whose body is JSON under the headers %j',
    async (headers) => {
      const answer = await server.send('POST', '/query', { headers, body: JSON.stringify([a]) });
      expect([answer.status, jsonOf(answer)]).toEqual([200, [{ key: a, value: false }]]);
    },
  );
});

it('an answer that would be too large is refused before it is made', async () => {
  const small = await TestServer.start(operations, {
    settings: {
      limits: {
        maxKeyBytes: 64,
        maxValueBytes: 1024,
        maxBatchItems: 100,
        maxBodyBytes: 4096,
        maxAnswerBytes: 9,
      },
    },
  });
  try {
    await operations.set([{ key: a, value: stringValue('12345678') }]);
    expect((await small.sendJson('POST', '/fetch', [a])).status).toBe(200);
    const two = await small.sendJson('POST', '/fetch', [a, b]);
    expect([two.status, jsonOf(two)]).toMatchObject([413, { code: 'answer_too_large' }]);
    // In JSON, it has six bytes.
    await operations.set([{ key: a, value: stringValue('12\0') }]);
    expect((await small.sendJson('POST', '/fetch', [a])).status).toBe(200);
    expect((await small.sendJson('POST', '/fetch', [a, b])).status).toBe(413);
  } finally {
    await small.stop();
  }
});

it('an answer that is too large for one of the nodes is refused whole, as that node does', async () => {
  operations.fetch = () => [{ ok: true, entry: null }, fail('answer_too_large')];
  const answer = await server.sendJson('POST', '/fetch', [a, b]);
  expect([answer.status, jsonOf(answer)]).toMatchObject([413, { code: 'answer_too_large', detail: 'why' }]);
});

describe('touch', () => {
  const touch = (body: unknown) => server.sendJson('POST', '/touch', body);

  it('gives pairs another time to live, or none, and leaves their values', async () => {
    operations.set(items);
    const touched = await touch([
      { key: a, ttl_ms: 50 },
      { key: stringKey('absent'), ttl_ms: 50 },
    ]);
    expect([touched.status, jsonOf(touched)]).toEqual([200, { keys_touched: 1, keys_failed: [] }]);
    expect(operations.fetch([a])).toMatchObject([{ entry: { value, ttlMs: 50 } }]);
    await touch([{ key: a, ttl_ms: null }]);
    expect(operations.fetch([a])).toEqual([
      { ok: true, entry: { key: a, value, version: expect.any(Number) } },
    ]);
  });

  it('changes nothing if the version is another', async () => {
    const { pairs } = operations;
    operations.set(items);
    const before = new Map(pairs);
    const answer = await touch([
      { key: a, ttl_ms: 50, if_version: 99 },
      { key: stringKey('absent'), ttl_ms: 50, if_version: 1 },
    ]);
    expect([answer.status, jsonOf(answer)]).toMatchObject([
      409,
      { keys_touched: 0, keys_failed: [{ code: 'version_mismatch' }, { message: 'the key is absent' }] },
    ]);
    expect(pairs).toEqual(before);
  });

  it('reports what the store refuses, item by item', async () => {
    operations.set(items);
    operations.set = () => [fail('out_of_memory', true)];
    const answer = await touch([{ key: a, ttl_ms: 1 }]);
    expect([answer.status, jsonOf(answer)]).toMatchObject([507, { keys_failed: [{ maybe_applied: true }] }]);
    operations.fetch = () => {
      throw new KvsError('shutting_down', 'why');
    };
    expect((await touch([{ key: a, ttl_ms: 1 }])).status).toBe(503);
  });
});

describe('increment', () => {
  const increment = (body: unknown) => server.sendJson('POST', '/increment', body);

  it('adds in order, and creates the pair of an absent key', async () => {
    const answer = await increment([
      { key: a, by: 2 },
      { key: a, by: -5 },
      { key: b, by: 1, initial: 41, ttl_ms: 50 },
      { key: b, by: 1, initial: 99, ttl_ms: 99 },
    ]);
    expect([answer.status, jsonOf(answer)]).toEqual([
      200,
      [
        { key: a, value: 2 },
        { key: a, value: -3 },
        { key: b, value: 42 },
        { key: b, value: 43 },
      ],
    ]);
    expect(operations.fetch([a, b])).toMatchObject([
      { entry: { value: stringValue('-3') } },
      { entry: { value: stringValue('43'), expiresAtMs: 50 } },
    ]);
  });

  it('is exact to 64 bits', async () => {
    const by = '9223372036854775806';
    const answer = await increment([
      { key: a, by },
      { key: a, by: 1 },
      { key: a, by: 1 },
    ]);
    expect([answer.status, jsonOf(answer)]).toMatchObject([
      207,
      [{ value: by }, { value: '9223372036854775807' }, { value: null, error: { code: 'integer_overflow' } }],
    ]);
  });

  it('fails for a value that is no integer', async () => {
    operations.set(items);
    const answer = await increment([{ key: a, by: 1 }]);
    expect([answer.status, jsonOf(answer)]).toMatchObject([409, [{ error: { code: 'not_an_integer' } }]]);
  });

  it('takes no parameters', async () => {
    expect((await server.sendJson('POST', '/increment?meta=true', [])).status).toBe(400);
    expect((await server.sendJson('POST', '/touch?meta=true', [])).status).toBe(400);
  });
});
