import fc from 'fast-check';
import type { ErrorCode } from '../errors.js';
import { DEFAULT_LIMITS, type Limits } from '../limits.js';
import { InvalidRequestError, MAX_LISTED_ISSUES } from '../problem.js';
import {
  BatchPipe,
  DELETE_ITEM,
  INCREMENT_ITEM,
  KEY_ITEM,
  SET_ITEM,
  TOUCH_ITEM,
  type ItemSchema,
} from './batch.pipe.js';
import * as explainers from './explain.js';

const limits: Limits = { ...DEFAULT_LIMITS, maxKeyBytes: 8, maxValueBytes: 16, maxBatchItems: 30 };

async function refusal<T>(schema: ItemSchema<T>, body: unknown): Promise<InvalidRequestError> {
  try {
    await new BatchPipe(schema, limits).transform(body);
  } catch (error) {
    if (error instanceof InvalidRequestError) return error;
    throw error;
  }
  throw new Error('the batch was accepted');
}

const withCode = (code: ErrorCode) => expect.objectContaining({ name: 'KvsError', code });

const key = { encoding: 'string', data: 'k' };
const value = { encoding: 'binary', data: 'AB' };

describe('a valid batch', () => {
  it('is returned typed and canonical', () => {
    const items = new BatchPipe(SET_ITEM, limits).transform([
      { key, value, ttl_ms: 5, if_version: 0 },
      { key, value },
    ]);
    expect(items).toEqual([
      { key, value: { encoding: 'binary', data: 'ab' }, ttlMs: 5, ifVersion: 0 },
      { key, value: { encoding: 'binary', data: 'ab' } },
    ]);
  });

  it('may name keys plainly or as items, to read and to delete', () => {
    expect(new BatchPipe(KEY_ITEM, limits).transform([key, { key }])).toEqual([key, key]);
    expect(new BatchPipe(DELETE_ITEM, limits).transform([key, { key }, { key, if_version: 3 }])).toEqual([
      { key },
      { key },
      { key, ifVersion: 3 },
    ]);
  });

  it('may touch pairs and increment integers', () => {
    const ttl_ms = 5;
    expect(
      new BatchPipe(TOUCH_ITEM, limits).transform([
        { key, ttl_ms: null },
        { key, ttl_ms, if_version: 3 },
      ]),
    ).toEqual([
      { key, ttlMs: null },
      { key, ttlMs: 5, ifVersion: 3 },
    ]);
    const by = '9007199254740993';
    expect(
      new BatchPipe(INCREMENT_ITEM, limits).transform([
        { key, by: -1 },
        { key, by, initial: 7, ttl_ms },
      ]),
    ).toEqual([
      { key, by: -1, initial: 0 },
      { key, by: 9007199254740993n, initial: 7, ttlMs: 5 },
    ]);
  });

  it('may be empty, and as long as the limit', () => {
    expect(new BatchPipe(KEY_ITEM, limits).transform([])).toEqual([]);
    expect(new BatchPipe(KEY_ITEM, limits).transform(new Array(30).fill(key))).toHaveLength(30);
  });
});

describe('a refused batch', () => {
  it.each([
    [{ key, value, x: 1 }, '/0/x', 'unknown_property'],
    [
      JSON.parse(
        '{"key":{"encoding":"string","data":"k"},"value":{"encoding":"string","data":"v"},"__proto__":1}',
      ),
      '/0/__proto__',
      'unknown_property',
    ],
    [{ key: { ...key, 'a/b~': 1 }, value }, '/0/key/a~1b~0', 'unknown_property'],
    [{ value }, '/0/key', 'invalid_shape'],
    [{ key: 'k', value }, '/0/key', 'invalid_shape'],
    [{ key: [key], value }, '/0/key', 'invalid_shape'],
    [{ key: { key }, value }, '/0/key/key', 'unknown_property'],
    [{ key, value: null }, '/0/value', 'invalid_shape'],
    [{ key: { data: 'k' }, value }, '/0/key/encoding', 'invalid_encoding'],
    [{ key: { encoding: 'utf8', data: 'k' }, value }, '/0/key/encoding', 'invalid_encoding'],
    [{ key: { encoding: 'string' }, value }, '/0/key/data', 'invalid_shape'],
    [{ key: { encoding: 'string', data: 1 }, value }, '/0/key/data', 'invalid_shape'],
    [{ key: { encoding: 'string', data: '' }, value }, '/0/key/data', 'empty_key'],
    [{ key: { encoding: 'string', data: '\ud800' }, value }, '/0/key/data', 'invalid_data'],
    [{ key, value: { encoding: 'binary', data: '123' } }, '/0/value/data', 'invalid_data'],
    [{ key: { encoding: 'string', data: 'ééééé' }, value }, '/0/key/data', 'key_too_long'],
    [{ key, value: { encoding: 'binary', data: '00'.repeat(17) } }, '/0/value/data', 'value_too_large'],
    [{ key, value, ttl_ms: 0 }, '/0/ttl_ms', 'invalid_ttl'],
    [{ key, value, ttl_ms: 1.5 }, '/0/ttl_ms', 'invalid_ttl'],
    [{ key, value, ttl_ms: null }, '/0/ttl_ms', 'invalid_ttl'],
    [{ key, value, ttl_ms: 1e300 }, '/0/ttl_ms', 'invalid_ttl'],
    [{ key, value, if_version: -1 }, '/0/if_version', 'invalid_version'],
    [{ key, value, if_version: '1' }, '/0/if_version', 'invalid_version'],
    [{ key, value, if_version: 2 ** 53 }, '/0/if_version', 'invalid_version'],
    [[], '/0', 'invalid_shape'],
    [null, '/0', 'invalid_shape'],
    ['k', '/0', 'invalid_shape'],
  ])('%j is wrong at %s: %s', async (item, pointer, code) => {
    const { issues } = await refusal(SET_ITEM, [item]);
    expect(issues).toContainEqual(expect.objectContaining({ pointer, code }));
  });

  it.each([
    [TOUCH_ITEM, { key }, '/0/ttl_ms', 'invalid_ttl'],
    [TOUCH_ITEM, { key, ttl_ms: 0 }, '/0/ttl_ms', 'invalid_ttl'],
    [INCREMENT_ITEM, { key }, '/0/by', 'invalid_integer'],
    [INCREMENT_ITEM, { key, by: 1.5 }, '/0/by', 'invalid_integer'],
    [INCREMENT_ITEM, { key, by: 2 ** 53 }, '/0/by', 'invalid_integer'],
    [INCREMENT_ITEM, { key, by: '01' }, '/0/by', 'invalid_integer'],
    [INCREMENT_ITEM, { key, by: 1, initial: null }, '/0/initial', 'invalid_integer'],
    [INCREMENT_ITEM, { key, by: 1, ttl_ms: null }, '/0/ttl_ms', 'invalid_ttl'],
  ])('of touches and increments is explained too: %#', async (schema, item, pointer, code) => {
    const { issues } = await refusal<unknown>(schema, [item]);
    expect(issues).toEqual([expect.objectContaining({ pointer, code })]);
  });

  it('lists the most basic issue of a place', async () => {
    const { issues } = await refusal(KEY_ITEM, [{ encoding: 'binary', data: '' }, { encoding: 'string' }]);
    expect(issues.map(({ pointer, code }) => [pointer, code])).toEqual([
      ['/0/data', 'empty_key'],
      ['/1/data', 'invalid_shape'],
    ]);
  });

  it('lists issues in the order of the body', async () => {
    const pointers = async (item: unknown) =>
      (await refusal(SET_ITEM, [item])).issues.map(({ pointer }) => pointer);
    expect(await pointers({ key: 1, value: 1, ttl_ms: 0 })).toEqual(['/0/key', '/0/value', '/0/ttl_ms']);
    expect(await pointers({ ttl_ms: 0, value: 1 })).toEqual(['/0/ttl_ms', '/0/value', '/0/key']);
  });

  it('lists so many issues and counts all offending items', async () => {
    const { issues, invalidItems, message } = await refusal(KEY_ITEM, [key, ...new Array(25).fill({})]);
    expect(issues).toHaveLength(MAX_LISTED_ISSUES);
    expect(invalidItems).toBe(25);
    expect(message).toContain('25 of 26');
  });

  it.each(['', '/key', '/value'])('lists the first of many unknown properties in "%s"', async (place) => {
    const names = Array.from({ length: 10_000 }, (_, i) => `p${i}`);
    let reads = 0;
    const counted = names.map((name) => [name, { enumerable: true, get: () => ++reads }]);
    const item = { key: { ...key }, value: { ...value } };
    const object = place === '' ? item : place === '/key' ? item.key : item.value;
    Object.defineProperties(object, Object.fromEntries(counted));
    const { issues } = await refusal(SET_ITEM, [item]);
    expect(issues).toEqual(
      names
        .slice(0, MAX_LISTED_ISSUES)
        .map((name) => expect.objectContaining({ pointer: `/0${place}/${name}` })),
    );
    // Only those that can be listed are read, however many there are.
    expect(reads).toBeLessThan(2 * MAX_LISTED_ISSUES);
  });

  it('is 413 when all that is wrong is size, else 400', async () => {
    const large = { encoding: 'string', data: 'k'.repeat(9) };
    const [tooLarge, invalid] = await Promise.all([
      refusal(KEY_ITEM, [large]),
      refusal(KEY_ITEM, [large, 1]),
    ]);
    expect([tooLarge.status, invalid.status]).toEqual([413, 400]);
  });

  it('is refused for its length as a whole', () => {
    const pipe = new BatchPipe(KEY_ITEM, limits);
    expect(() => pipe.transform(new Array(31).fill(key))).toThrow(withCode('too_many_items'));
  });

  it.each([null, {}, 'text', 1])('is refused when it is not an array: %j', (body) => {
    const pipe = new BatchPipe(KEY_ITEM, limits);
    expect(() => pipe.transform(body)).toThrow(withCode('invalid_shape'));
  });
});

/**
 * Items near the schema: a valid one with some places replaced, removed or added. Anything-goes values alone would
 * hardly ever be valid.
 */
const data = fc.oneof(
  fc.string({ maxLength: 10 }),
  fc.string({ unit: 'binary', maxLength: 5 }),
  fc.stringMatching(/^[0-9a-fA-F]{0,40}$/),
  fc.constantFrom('\ud800', '', 'ab', '0'),
  fc.anything(),
);
const encoded = fc.oneof(
  { weight: 6, arbitrary: fc.record({ encoding: fc.constantFrom('string', 'binary'), data }) },
  {
    weight: 2,
    arbitrary: fc.record(
      {
        encoding: fc.anything(),
        data,
        __proto__: fc.anything(),
        constructor: fc.anything(),
        extra: fc.anything(),
      },
      { requiredKeys: [] },
    ),
  },
  { weight: 1, arbitrary: fc.anything() },
);
const number = fc.oneof(fc.integer(), fc.double(), fc.anything(), fc.constantFrom(0, 1, 1e15, 2e15, 2 ** 53));
const item = fc.oneof(
  encoded,
  fc.record(
    { key: encoded, value: encoded, ttl_ms: number, if_version: number },
    { requiredKeys: ['key', 'value'] },
  ),
  fc.record({ key: encoded, ttl_ms: number, if_version: number }, { requiredKeys: ['key', 'ttl_ms'] }),
  fc.record({ key: encoded, by: number, initial: number, ttl_ms: number }, { requiredKeys: ['key', 'by'] }),
  fc.record(
    { key: encoded, value: encoded, extra: fc.anything(), constructor: fc.anything() },
    { requiredKeys: [] },
  ),
  fc.anything(),
);
/** As it would come from a request: through JSON. */
const wireItem = item.map((some): unknown => {
  try {
    return JSON.parse(JSON.stringify(some) ?? 'null');
  } catch {
    return null;
  }
});

describe('the guard and the DTO classes', () => {
  it.each([
    ['set', SET_ITEM],
    ['key', KEY_ITEM],
    ['delete', DELETE_ITEM],
    ['touch', TOUCH_ITEM],
    ['increment', INCREMENT_ITEM],
  ] as const)('decide the same on every %s item', (_name, { guard, explainer }) => {
    const explain = explainers[explainer];
    fc.assert(
      fc.property(wireItem, (some) => {
        expect(explain(some, '', limits).length === 0).toBe(guard(some, limits) !== undefined);
      }),
      { numRuns: 2000 },
    );
  });

  it('decide the same about items nested thousands of levels deep', () => {
    const deep: unknown = JSON.parse(`${'{"key":'.repeat(10_000)}1${'}'.repeat(10_000)}`);
    expect(SET_ITEM.guard(deep, limits)).toBeUndefined();
    expect(explainers.explainSetItem(deep, '', limits)).not.toHaveLength(0);
  });
});
