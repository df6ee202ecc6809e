import { request as httpRequest } from 'node:http';
import fc from 'fast-check';
import { LocalCluster } from '@kvs-tools/local-cluster';
import { string } from './support/data.js';
import { send } from './support/http.js';

let cluster: LocalCluster;
beforeAll(async () => {
  cluster = await LocalCluster.start(2);
});
afterAll(() => cluster.stop());

const E = fc.record({ encoding: fc.constantFrom('string', 'binary'), data: fc.constantFrom('ab', '00') });
/** JSON values that are no encoded text. */
const notE = fc.oneof(
  fc.constantFrom(null, true, 0, -1, 1e308, '', 'text', [], {}),
  fc.record({
    encoding: fc.constantFrom('utf8', 'String', '', null, 1, ['string']),
    data: fc.constant('ab'),
  }),
  fc.record({
    encoding: fc.constant('string'),
    data: fc.constantFrom(null, 1, true, [], {}, ['ab'], '\ud800', 'a\udfff', 'k'.repeat(9 * 1024 * 1024)),
  }),
  fc.record({ encoding: fc.constant('binary'), data: fc.constantFrom('1', 'xyz', '0x00', ' 00', '００') }),
  fc
    .constantFrom(
      '{"encoding":"string","data":"a","__proto__":{}}',
      '{"encoding":"string","data":"a","constructor":1}',
    )
    .map((text): unknown => JSON.parse(text)),
  fc.record({ encoding: fc.constant('string') }),
  fc.record({ data: fc.constant('ab') }),
  E.map((nested) => ({ key: nested, value: nested, extra: nested })),
  E.map((nested) => [nested]),
  E.map((nested) => ({ key: { key: nested } })),
);
const badNumber = fc.constantFrom(null, '1', -1, 0.5, 1e300, true, [], {});

const badSetItem = fc.oneof(
  notE,
  fc.record({ key: notE, value: E }),
  fc.record({ key: E, value: notE }),
  fc.record({ key: E }),
  fc.record({ value: E }),
  fc.record({ key: E, value: E, ttl_ms: fc.oneof(badNumber, fc.constant(0)) }),
  fc.record({ key: E, value: E, if_version: badNumber }),
  fc.record({ key: E, value: E, [`x${'y'.repeat(5000)}`]: E }),
);
const badDeleteItem = fc.oneof(notE, fc.record({ key: E, if_version: badNumber }));

const goodSetItem = fc.record({ key: E, value: E });
/** A batch with at least one bad item among good ones. */
const batchWith = (bad: fc.Arbitrary<unknown>, good: fc.Arbitrary<unknown>) =>
  fc
    .tuple(fc.array(good, { maxLength: 5 }), bad, fc.array(good, { maxLength: 5 }))
    .map(([before, item, after]) => JSON.stringify([...before, item, ...after]));

const deep = fc
  .integer({ min: 20, max: 20_000 })
  .chain((depth) =>
    fc.constantFrom('['.repeat(depth) + ']'.repeat(depth), '{"key":'.repeat(depth) + '1' + '}'.repeat(depth)),
  );
const broken = fc.oneof(
  goodSetItem.chain((item) => {
    const text = JSON.stringify([item]);
    return fc.nat(text.length - 1).map((length) => text.slice(0, length));
  }),
  fc.constantFrom('', ' ', '[', '[1,]', "[{'key':1}]", 'NaN', '[1e999999999]x', '\u0000', 'undefined'),
  deep,
  fc.constantFrom('1', '"a"', 'null', '{}', '{"key":{"encoding":"string","data":"a"}}'),
);

const route = fc.constantFrom(
  { method: 'PUT', path: '/set', bad: badSetItem, good: goodSetItem },
  { method: 'POST', path: '/fetch', bad: notE, good: E },
  { method: 'POST', path: '/query', bad: notE, good: E },
  { method: 'POST', path: '/delete', bad: badDeleteItem, good: E },
);
const request = route.chain(({ method, path, bad, good }) =>
  fc.record({
    method: fc.constant(method),
    path: fc.constant(path),
    body: fc.oneof({ weight: 4, arbitrary: batchWith(bad, good) }, { weight: 1, arbitrary: broken }),
    type: fc.constantFrom('application/json', 'text/plain', 'application/x-www-form-urlencoded'),
    server: fc.constantFrom('proxy', 'node'),
  }),
);

it('is always answered 4xx with a problem document, changes nothing, and harms no process', async () => {
  await fc.assert(
    fc.asyncProperty(request, async ({ method, path, body, type, server }) => {
      const origin = server === 'proxy' ? cluster.origin : cluster.nodes[0]?.origin;
      const answer = await send(method, `${origin}${path}`, { body, headers: { 'content-type': type } });
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
      expect(answer.json).toMatchObject({
        status: answer.status,
        code: expect.any(String),
        detail: expect.any(String),
      });
    }),
    { numRuns: 400 },
  );
  for (const { origin } of cluster.nodes) expect((await send('GET', `${origin}/fetch`)).json).toEqual([]);
  const alive = await send('PUT', `${cluster.origin}/set`, {
    body: [{ key: string('a'), value: string('b') }],
  });
  expect(alive.json).toEqual({ keys_added: 1, keys_failed: [] });
  await send('POST', `${cluster.origin}/delete`, { body: [string('a')] });
});

it('bodies of 32 MiB of brackets do not delay other requests much', async () => {
  const hostile = ['[', '{"a":', '{},'].map((part) => part.repeat((32 * 1024 * 1024) / part.length));
  const answers = await Promise.all(
    hostile.map((body) =>
      send('PUT', `${cluster.origin}/set`, { body, headers: { 'content-type': 'application/json' } }),
    ),
  );
  expect(answers.map(({ status }) => status)).toEqual([400, 400, 400]);
});

it('a body that is not UTF-8 is refused', async () => {
  const body = Buffer.concat([
    Buffer.from('[{"encoding":"string","data":"'),
    Buffer.of(0xff, 0xfe),
    Buffer.from('"}]'),
  ]);
  const { status, json } = await send('POST', `${cluster.origin}/query`, {
    body,
    headers: { 'content-type': 'application/json' },
  });
  expect([status, json]).toEqual([400, expect.objectContaining({ code: 'invalid_json' })]);
});

it('a client that disconnects in the middle of its body harms no other client', async () => {
  const { port } = new URL(cluster.origin);
  await new Promise<void>((resolve) => {
    const half = httpRequest({
      port,
      host: 'localhost',
      method: 'PUT',
      path: '/set',
      headers: { 'content-length': 100 },
    });
    half.on('error', () => resolve());
    half.write('[{"key":', () => half.destroy(new Error('gone')));
  });
  expect((await send('GET', `${cluster.origin}/health/ready`)).status).toBe(200);
});
