import Ajv from 'ajv';
import { LocalCluster, startProxy } from '@kvs-tools/local-cluster';
import { binary, string } from './support/data.js';
import { send } from './support/http.js';

interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiRoute>>>>;
}

interface OpenApiRoute {
  readonly summary?: string;
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema?: { readonly example?: unknown } }>>;
  };
  readonly responses: Readonly<Record<string, unknown>>;
}

// The proxy and a node that clients ask directly have the same protocol.
let cluster: LocalCluster;
beforeAll(async () => {
  cluster = await LocalCluster.start(3);
});
afterAll(() => cluster.stop());

describe.each(['proxy', 'storage node'] as const)('a %s', (server) => {
  const at = (path: string): string =>
    (server === 'proxy' ? cluster.origin : cluster.nodes[0]?.origin) + path;
  let n = 0;
  /** A key that no other test uses. */
  const fresh = () => string(`${server}-${n++}`);

  it('reads back what was written, in the order of the request, with null for absent keys', async () => {
    const [a, b, c] = [fresh(), fresh(), fresh()];
    const set = await send('PUT', at('/set'), {
      body: [
        { key: a, value: string('A') },
        { key: b, value: binary('FF00') },
      ],
    });
    expect([set.status, set.json]).toEqual([200, { keys_added: 2, keys_failed: [] }]);
    const fetched = await send('POST', at('/fetch'), { body: [b, { key: c }, a, b] });
    expect([fetched.status, fetched.json]).toEqual([
      200,
      [
        { key: b, value: binary('ff00') },
        { key: c, value: null },
        { key: a, value: string('A') },
        { key: b, value: binary('ff00') },
      ],
    ]);
    const queried = await send('POST', at('/query'), { body: [c, a] });
    expect(queried.json).toEqual([
      { key: c, value: false },
      { key: a, value: true },
    ]);
  });

  it('keeps a string and a binary key with the same data apart, and AB and ab in binary together', async () => {
    const text = string('1234');
    const bytes = binary('1234');
    await send('PUT', at('/set'), {
      body: [
        { key: text, value: string('text') },
        { key: bytes, value: string('bytes') },
      ],
    });
    const { json } = await send('POST', at('/fetch'), { body: [text, bytes] });
    expect(json).toEqual([
      { key: text, value: string('text') },
      { key: bytes, value: string('bytes') },
    ]);
    await send('PUT', at('/set'), { body: [{ key: binary('AB'), value: string('x') }] });
    expect((await send('POST', at('/query'), { body: [binary('ab')] })).json).toEqual([
      { key: binary('ab'), value: true },
    ]);
  });

  it('applies duplicates in order: the last one wins', async () => {
    const key = fresh();
    const body = [1, 2, 3].map((i) => ({ key, value: string(String(i)) }));
    expect((await send('PUT', at('/set'), { body })).json).toEqual({ keys_added: 3, keys_failed: [] });
    expect((await send('POST', at('/fetch'), { body: [key] })).json).toEqual([{ key, value: string('3') }]);
  });

  it('counts only the deletions of keys that were there', async () => {
    const [a, b] = [fresh(), fresh()];
    await send('PUT', at('/set'), { body: [{ key: a, value: string('') }] });
    const { status, json } = await send('POST', at('/delete'), { body: [a, { key: b }, a] });
    expect([status, json]).toEqual([200, { keys_deleted: 1, keys_failed: [] }]);
  });

  it('loses no increment of many clients, and keeps the time to live that a touch gave', async () => {
    const key = fresh();
    await send('POST', at('/increment'), { body: [{ key, by: 1, initial: 99 }] });
    const ttl = await send('POST', at('/touch'), { body: [{ key, ttl_ms: 3_600_000 }] });
    expect([ttl.status, ttl.json]).toEqual([200, { keys_touched: 1, keys_failed: [] }]);
    const body = [
      { key, by: 3 },
      { key, by: -1 },
    ];
    await Promise.all(Array.from({ length: 20 }, () => send('POST', at('/increment'), { body })));
    const { json } = await send('POST', at('/fetch?meta=true'), { body: [key] });
    expect(json).toMatchObject([{ value: string('140'), ttl_ms: expect.any(Number) }]);
  });

  it('answers empty batches', async () => {
    expect((await send('PUT', at('/set'), { body: [] })).json).toEqual({ keys_added: 0, keys_failed: [] });
    expect((await send('POST', at('/fetch'), { body: [] })).json).toEqual([]);
    expect((await send('POST', at('/query'), { body: [] })).json).toEqual([]);
    expect((await send('POST', at('/delete'), { body: [] })).json).toEqual({
      keys_deleted: 0,
      keys_failed: [],
    });
  });

  describe('under a condition', () => {
    it('writes only if the key is absent, for if_version 0', async () => {
      const key = fresh();
      const body = [{ key, value: string('1'), if_version: 0 }];
      expect((await send('PUT', at('/set'), { body })).status).toBe(200);
      const again = await send('PUT', at('/set'), { body });
      expect(again.status).toBe(409);
      expect(again.json).toEqual({
        keys_added: 0,
        keys_failed: [{ key, code: 'version_mismatch', message: expect.any(String) }],
      });
    });

    it('writes only if the version is the given one, and versions grow', async () => {
      const key = fresh();
      const versionOf = async (): Promise<number> => {
        const { json } = await send('POST', at('/fetch?meta=true'), { body: [key] });
        return (json as { version: number }[])[0]?.version ?? 0;
      };
      await send('PUT', at('/set'), { body: [{ key, value: string('1') }] });
      const first = await versionOf();
      const write = (version: number) =>
        send('PUT', at('/set'), { body: [{ key, value: string('2'), if_version: version }] });
      expect((await write(first)).status).toBe(200);
      expect((await write(first)).status).toBe(409);
      expect(await versionOf()).toBeGreaterThan(first);
      const deletion = await send('POST', at('/delete'), { body: [{ key, if_version: first }] });
      expect([deletion.status, (await send('POST', at('/query'), { body: [key] })).json]).toEqual([
        409,
        [{ key, value: true }],
      ]);
    });

    it('applies the other items if some fail, and reports which failed', async () => {
      const [a, b] = [fresh(), fresh()];
      await send('PUT', at('/set'), { body: [{ key: a, value: string('old') }] });
      const { status, json } = await send('PUT', at('/set?meta=true'), {
        body: [
          { key: a, value: string('new'), if_version: 0 },
          { key: b, value: string('new') },
        ],
      });
      expect(status).toBe(207);
      expect(json).toEqual({
        keys_added: 1,
        keys_failed: [{ key: a, code: 'version_mismatch', message: expect.any(String) }],
        versions: [null, expect.any(Number)],
        created: [null, true],
      });
    });
  });

  it('returns the remaining time to live of a pair, and expires it', async () => {
    const [brief, long] = [fresh(), fresh()];
    await send('PUT', at('/set'), {
      body: [
        { key: brief, value: string('x'), ttl_ms: 1 },
        { key: long, value: string('x'), ttl_ms: 1_000_000 },
      ],
    });
    const { json } = await send('POST', at('/fetch?meta=true'), { body: [long] });
    const ttl = (json as { ttl_ms: number }[])[0]?.ttl_ms;
    expect(ttl).toBeGreaterThan(0);
    expect(ttl).toBeLessThanOrEqual(1_000_000);
    // Asks until the pair with the short time to live has expired.
    for (let present = true; present;) {
      const answer = await send('POST', at('/query'), { body: [brief] });
      present = (answer.json as { value: boolean }[])[0]?.value ?? false;
    }
    expect((await send('POST', at('/fetch'), { body: [brief] })).json).toEqual([{ key: brief, value: null }]);
  });

  describe('refuses', () => {
    it('a whole batch with one bad item, with a pointer to it', async () => {
      const key = fresh();
      const { status, headers, json } = await send('PUT', at('/set'), {
        body: [
          { key, value: string('x') },
          { key: binary('xyz'), value: string('x') },
        ],
      });
      expect(status).toBe(400);
      expect(headers.get('content-type')).toBe('application/problem+json');
      expect(json).toMatchObject({
        status: 400,
        code: 'invalid_request',
        invalid_items: 1,
        errors: [{ pointer: '/1/key/data', code: 'invalid_data' }],
      });
      expect((await send('POST', at('/query'), { body: [key] })).json).toEqual([{ key, value: false }]);
    });

    it('more items than a batch may have', async () => {
      const { status, json } = await send('POST', at('/query'), {
        body: new Array(10_001).fill(string('a')),
      });
      expect([status, json]).toEqual([400, expect.objectContaining({ code: 'too_many_items' })]);
    });

    it('keys, values and bodies that are too large', async () => {
      const long = await send('POST', at('/query'), { body: [string('k'.repeat(4097))] });
      expect(long.status).toBe(413);
      const MIB = 1024 * 1024;
      const value = string('v'.repeat(8 * MIB + 1));
      expect((await send('PUT', at('/set'), { body: [{ key: fresh(), value }] })).status).toBe(413);
      const body = Buffer.alloc(33 * MIB, 'a');
      const huge = await send('PUT', at('/set'), { body });
      expect([huge.status, huge.json]).toEqual([413, expect.objectContaining({ code: 'body_too_large' })]);
    });

    it('a body and a content type that both are not JSON', async () => {
      const xml = { body: '<a/>', headers: { 'content-type': 'application/xml' } };
      expect((await send('PUT', at('/set'), xml)).status).toBe(415);
      const broken = { body: '[', headers: { 'content-type': 'application/json' } };
      expect((await send('PUT', at('/set'), broken)).status).toBe(400);
    });

    it('unknown paths and methods', async () => {
      const unknown = await send('GET', at('/nothing/here'));
      expect([unknown.status, unknown.json]).toEqual([404, expect.objectContaining({ code: 'not_found' })]);
      const wrong = await send('DELETE', at('/fetch'));
      expect([wrong.status, wrong.headers.get('allow'), wrong.json]).toEqual([
        405,
        'GET, HEAD, POST',
        expect.objectContaining({ code: 'method_not_allowed' }),
      ]);
    });

    it.each([
      '/fetch?limit=0',
      '/fetch?limit=x',
      '/fetch?cursor=4096',
      '/fetch?partail=true',
      '/fetch?encoding=hex',
      '/fetch?encoding=binary&prefix=0',
      '/fetch?prefix=%ff',
      '/fetch?meta=1&meta=1',
    ])('the parameters of GET %s', async (path) => {
      const { status, json } = await send('GET', at(path));
      expect([status, json]).toEqual([400, expect.objectContaining({ code: 'invalid_parameter' })]);
    });
  });

  it('ignores the case of letters in a path', async () => {
    const { data } = fresh();
    expect((await send('PUT', at(`/KEYS/${data}`), { body: 'x' })).status).toBe(201);
    expect((await send('PUT', at(`/keys/${data}`), { body: 'x' })).status).toBe(204);
    expect((await send('GET', at(`/keys/${data}`))).text).toBe('x');
    expect((await send('POST', at(`/Keys/${data}`))).status).toBe(405);
  });

  it('takes values of 8 MiB and keys of 4,096 bytes', async () => {
    const key = string('ä'.repeat(2048));
    const value = binary('0f'.repeat(8 * 1024 * 1024));
    expect((await send('PUT', at('/set'), { body: [{ key, value }] })).json).toMatchObject({ keys_added: 1 });
    const { json } = await send('POST', at('/fetch'), { body: [key] });
    expect(json).toEqual([{ key, value }]);
    await send('POST', at('/delete'), { body: [key] });
  });

  it('refuses a request whose answer would be too large, and reports it', async () => {
    const key = fresh();
    await send('PUT', at('/set'), { body: [{ key, value: string('v'.repeat(7 * 1024 * 1024)) }] });
    const { status, json } = await send('POST', at('/fetch'), { body: new Array(10).fill(key) });
    expect(status).toBe(413);
    expect(JSON.stringify(json)).toContain('answer_too_large');
    await send('POST', at('/delete'), { body: [key] });
  });

  it('is alive and ready, and serves its documentation without external resources', async () => {
    expect((await send('GET', at('/health/live'))).json).toMatchObject({ status: 'ok' });
    expect((await send('GET', at('/health/ready'))).json).toMatchObject({ status: 'ok' });
    const { paths } = (await send('GET', at('/openapi.json'))).json as OpenApi;
    expect(Object.keys(paths)).toEqual(
      expect.arrayContaining(['/set', '/fetch', '/query', '/delete', '/keys/{key}', '/health/ready']),
    );
    const routes = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { summary }]) => ({ route: `${method} ${path}`, summary })),
    );
    expect(routes.filter(({ summary }) => summary === undefined)).toEqual([]);
    const docs = await send('GET', at('/docs'));
    expect(docs.status).toBe(200);
    expect(docs.text).toContain('Swagger UI');
    expect(docs.text).not.toMatch(/(src|href)="https?:/);
  });

  it('answers as its documentation says, and the examples there work', async () => {
    const document = (await send('GET', at('/openapi.json'))).json as OpenApi;
    const schemas = new Ajv({ nullable: true }).addSchema(document, 'openapi');
    const pathOf = (...parts: readonly string[]): string =>
      `openapi#/${parts.map((part) => part.replaceAll('/', '~1')).join('/')}`;
    const answered = async (method: string, path: string, body: unknown, status: number): Promise<void> => {
      const answer = await send(method, at(path), { body });
      expect([path, answer.status]).toEqual([path, status]);
      const response = pathOf('paths', path, method.toLowerCase(), 'responses', `${status}`);
      schemas.validate(`${response}/content/application~1json/schema`, answer.json);
      expect(schemas.errorsText()).toBe('No errors');
    };
    const examples = [
      'put /set',
      'post /fetch',
      'post /query',
      'post /touch',
      'post /increment',
      'post /delete',
    ];
    for (const [method = '', path = ''] of examples.map((route) => route.split(' '))) {
      const { example } =
        document.paths[path]?.[method]?.requestBody?.content['application/json']?.schema ?? {};
      await answered(method.toUpperCase(), path, example, 200);
    }
    const [absent, text] = [fresh(), fresh()];
    await answered('PUT', '/set', [{ key: text, value: string('text') }], 200);
    await answered('POST', '/fetch', [absent, text], 200);
    await answered('POST', '/query', [absent, text], 200);
    await answered('POST', '/increment', [{ key: absent, by: '9007199254740993' }], 200);
    await answered(
      'POST',
      '/increment',
      [
        { key: absent, by: 1 },
        { key: text, by: 1 },
      ],
      207,
    );
    await answered('PUT', '/set', [{ key: text, value: string('new'), if_version: 0 }], 409);
    const write = document.paths['/keys/{key}']?.['put'];
    expect(Object.keys(write?.requestBody?.content ?? {})).toEqual([
      'text/plain',
      'application/octet-stream',
    ]);
    expect(Object.keys(document.paths['/health/ready']?.['get']?.responses ?? {})).toContain('200');
  });
});

it('a proxy shows its nodes with their partitions and keys', async () => {
  const { json } = await send('GET', `${cluster.origin}/cluster`);
  const { partitions, nodes } = json as { partitions: number; nodes: { partitions: number }[] };
  expect(partitions).toBe(4096);
  expect(nodes).toEqual(
    cluster.nodes.map(({ address }) => ({
      node: address,
      state: 'up',
      partitions: expect.any(Number),
      keys: expect.any(Number),
      engine: 'memory',
    })),
  );
  expect(nodes.reduce((sum, node) => sum + node.partitions, 0)).toBe(4096);
});

it('a write through one proxy is readable through another', async () => {
  const addresses = cluster.nodes.map(({ address }) => address).reverse();
  const other = await startProxy(addresses);
  try {
    const keys = Array.from({ length: 100 }, (_, i) => string(`shared-${i}`));
    await send('PUT', `${cluster.origin}/set`, { body: keys.map((key) => ({ key, value: key })) });
    const { json } = await send('POST', `${other.origin}/fetch`, { body: keys });
    expect(json).toEqual(keys.map((key) => ({ key, value: key })));
  } finally {
    await other.stop();
  }
});
