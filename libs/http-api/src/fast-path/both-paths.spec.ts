import { connect } from 'node:net';
import { brandKey, ERROR_CODES, isErrorCode, keyId, KvsError, type Key, type SetItem } from '@kvs/protocol';
import { MapOperations, until } from '@kvs/protocol/testing';
import fc from 'fast-check';
import {
  chunked,
  comparable,
  exchange,
  exchangeBytes,
  requestBytes,
  type RawRequest,
} from '../testing/raw-exchange.js';
import { TestServer } from '../testing/test-server.js';

/**
 * Fails if a key asks for it: `fail <code>` fails that item, `throw <code>` the whole call, `break` is a defect, and
 * with `later` in it the answer comes by promise.
 */
class WilfulOperations extends MapOperations {
  override set(items: readonly SetItem[]) {
    return this.#wilfully(
      items.map(({ key }) => key),
      () => super.set(items),
    );
  }

  override fetch(keys: readonly Key[]) {
    return this.#wilfully(keys, () => super.fetch(keys));
  }

  override query(keys: readonly Key[]) {
    return this.#wilfully(keys, () => super.query(keys));
  }

  override delete(items: Parameters<MapOperations['delete']>[0]) {
    return this.#wilfully(
      items.map(({ key }) => key),
      () => super.delete(items),
    );
  }

  #wilfully<O>(keys: readonly Key[], apply: () => O | Promise<O>): O | Promise<O> {
    const answer = (): O | Promise<O> => {
      for (const { data } of keys) {
        const [, code] = /throw (\w+)/.exec(data) ?? [];
        if (isErrorCode(code)) throw new KvsError(code, 'as asked');
        if (data.includes('break')) throw new TypeError('as asked');
      }
      const outcomes = apply();
      if (!Array.isArray(outcomes)) return outcomes;
      keys.forEach(({ data }, i) => {
        const [, code] = /fail (\w+)/.exec(data) ?? [];
        if (code !== undefined) outcomes[i] = { ok: false, code, message: 'as asked', maybeApplied: true };
      });
      return outcomes;
    };
    return keys.some(({ data }) => data.includes('later')) ? Promise.resolve().then(answer) : answer();
  }
}

let fast: TestServer;
let ordinary: TestServer;
let operations: readonly [WilfulOperations, WilfulOperations];
beforeAll(async () => {
  operations = [new WilfulOperations(), new WilfulOperations()];
  fast = await TestServer.start(operations[0], { settings: { fastLane: true } });
  ordinary = await TestServer.start(operations[1], { settings: { fastLane: false } });
});
afterAll(async () => {
  await fast.stop();
  await ordinary.stop();
});

const code = fc.constantFrom(...Object.keys(ERROR_CODES));
const text = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('a', 'b', 'c', 'ü', '😀', '"\\\u0001', 'later', 'break', '') },
  { weight: 1, arbitrary: code.map((each) => `fail ${each}`) },
  { weight: 1, arbitrary: code.map((each) => `later throw ${each}`) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 80 }) },
);
const data = fc.oneof(
  { weight: 5, arbitrary: fc.record({ encoding: fc.constant('string'), data: text }) },
  {
    weight: 3,
    arbitrary: fc.record({ encoding: fc.constant('binary'), data: fc.constantFrom('', '12', 'AB', '123') }),
  },
  { weight: 1, arbitrary: fc.record({ encoding: fc.constantFrom('utf8', 1, null), data: fc.anything() }) },
  { weight: 1, arbitrary: fc.jsonValue() },
);
const setItem = fc.record(
  {
    key: data,
    value: data,
    ttl_ms: fc.constantFrom(1, 0, 2.5, null),
    if_version: fc.constantFrom(0, 1, 2, -1, '1'),
    more: fc.constant(1),
  },
  { requiredKeys: ['key', 'value'] },
);
const plainSetItem = fc.record({ key: data, value: data });
const keyItem = fc.oneof(
  data,
  fc.record({ key: data }),
  fc.record({ key: data, if_version: fc.constantFrom(0, 1) }),
);
const updateItem = fc.oneof(
  fc.record({ key: data, ttl_ms: fc.constantFrom(1, null, 0) }),
  fc.record({ key: data, by: fc.constantFrom(1, '-7', 'x') }),
);
const batch = fc.oneof(
  fc.array(plainSetItem, { maxLength: 3 }),
  fc.array(setItem, { maxLength: 3 }),
  fc.array(keyItem, { maxLength: 4 }),
  fc.array(updateItem, { maxLength: 3 }),
);
const bodyText = fc.oneof(
  { weight: 8, arbitrary: batch.map((items) => JSON.stringify(items)) },
  { weight: 1, arbitrary: fc.jsonValue().map((value) => JSON.stringify(value)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('', '[', '[1,]', 'x', ' '.repeat(5000), `[${'{},'.repeat(2000)}{}]`),
  },
);
const contentType = fc.constantFrom(
  undefined,
  'application/json',
  'application/json; charset=utf-8',
  'application/x-www-form-urlencoded',
  'text/plain',
);
const path = fc
  .tuple(
    fc.oneof(
      {
        weight: 9,
        arbitrary: fc.constantFrom('/set', '/fetch', '/query', '/delete', '/touch', '/increment'),
      },
      fc.constantFrom('/SET', '/fetch/', '/query/x', '/', 'http://test/query', '//set'),
    ),
    fc.oneof(
      { weight: 3, arbitrary: fc.constant('') },
      fc.constantFrom('?', '?meta=true', '?meta=no', '?meta', '?x=1', '?meta=true&meta=true', '?%zz'),
    ),
  )
  .map((parts) => parts.join(''));

const request: fc.Arbitrary<RawRequest> = fc
  .record({
    right: fc.boolean(),
    method: fc.constantFrom('PUT', 'POST', 'GET', 'DELETE', 'OPTIONS'),
    path,
    body: bodyText,
    type: contentType,
    transfer: fc.oneof({ weight: 8, arbitrary: fc.constant('plain') }, fc.constantFrom('chunked', 'gzip')),
  })
  .map(({ right, method, path, body, type, transfer }) => ({
    // The method that the path allows, so that most requests get as far as their body.
    method: right ? (path.startsWith('/set') ? 'PUT' : 'POST') : method,
    path,
    headers: {
      ...(type === undefined ? undefined : { 'content-type': type }),
      ...(transfer === 'chunked' ? { 'transfer-encoding': 'chunked' } : undefined),
      ...(transfer === 'gzip' ? { 'content-encoding': 'gzip' } : undefined),
    },
    body: transfer === 'chunked' ? chunked(body) : body,
  }));

async function answersOf(requests: readonly RawRequest[]): Promise<readonly string[]> {
  for (const each of operations) each.pairs.clear();
  const answers = await Promise.all([fast, ordinary].map(({ port }) => exchange(port, requests)));
  return answers.map(comparable);
}

it('both paths give the same status, headers and body', async () => {
  await fc.assert(
    fc.asyncProperty(request, async (sent) => {
      const [throughFastPath, throughExpress] = await answersOf([sent]);
      expect(throughFastPath).toBe(throughExpress);
      expect(throughFastPath).toMatch(/^HTTP\/1\.1 \d{3} /);
    }),
    { numRuns: 600 },
  );
});

it('both paths leave the same pairs behind for the same requests on one connection', async () => {
  const valid = fc.array(
    fc.record({
      key: fc.record({ encoding: fc.constant('string'), data: fc.constantFrom('a', 'b', 'later') }),
      value: fc.record({ encoding: fc.constant('string'), data: fc.constantFrom('1', '2') }),
    }),
    { minLength: 1, maxLength: 2 },
  );
  const operation = fc
    .tuple(fc.constantFrom('/set', '/fetch', '/query', '/delete'), valid)
    .map(([path, pairs]): RawRequest => ({
      method: path === '/set' ? 'PUT' : 'POST',
      path,
      body: JSON.stringify(path === '/set' ? pairs : pairs.map(({ key }) => key)),
    }));
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { minLength: 1, maxLength: 6 }), async (sent) => {
      const [throughFastPath, throughExpress] = await answersOf(sent);
      expect(throughFastPath).toBe(throughExpress);
      expect(throughFastPath?.match(/HTTP\/1\.1 200 /g)).toHaveLength(sent.length);
      const [left, right] = operations.map(({ pairs }) =>
        [...pairs.values()].map(({ key, value }) => [key, value]),
      );
      expect(left).toEqual(right);
    }),
    { numRuns: 100 },
  );
});

it('a body that is not UTF-8, or too large, is refused alike', async () => {
  for (const body of [Buffer.from([0x5b, 0xff, 0x5d]), Buffer.alloc(5000, 0x20)]) {
    const [throughFastPath, throughExpress] = await answersOf([{ method: 'POST', path: '/query', body }]);
    expect(throughFastPath).toBe(throughExpress);
    expect(throughFastPath).toMatch(/^HTTP\/1\.1 4\d\d /);
  }
});

it('a body that arrives in chunks is joined', async () => {
  const key = brandKey({ encoding: 'string', data: 'k' });
  const value = { encoding: 'string', data: 'ü'.repeat(400) };
  const bytes = requestBytes({
    method: 'PUT',
    path: '/set',
    headers: { connection: 'close' },
    body: JSON.stringify([{ key, value }]),
  });
  const chunks = Array.from({ length: 20 }, (_, i) =>
    bytes.subarray(i * 50, i === 19 ? undefined : (i + 1) * 50),
  );
  expect(await exchangeBytes(fast.port, chunks)).toMatch(/^HTTP\/1\.1 200 /);
  expect(operations[0].pairs.get(keyId(key))).toMatchObject({ value });
});

it('a client that goes away in the middle of its body leaves nothing behind', async () => {
  const left = new MapOperations();
  const server = await TestServer.start(left);
  const body = JSON.stringify([
    { key: { encoding: 'string', data: 'k' }, value: { encoding: 'string', data: 'v' } },
  ]);
  const bytes = requestBytes({ method: 'PUT', path: '/set', body });
  const socket = connect(server.port, '127.0.0.1');
  socket.write(bytes.subarray(0, -1));
  await until(() => server.admission.load.requests > 0);
  socket.destroy();
  await server.budget.drain();
  await server.stop();
  expect(left.pairs.size).toBe(0);
});
