import fc from 'fast-check';
import { binaryKey, binaryValue, stringKey, stringValue } from '@kvs/protocol';
import {
  readDeleteOutcomes,
  readFetchOutcomes,
  readProblem,
  readQueryOutcomes,
  readSetOutcomes,
  readStats,
} from './node-answers.js';

const [a, b] = [stringKey('a'), binaryKey(Buffer.from('b'))];
const keys = [a, b];
const failure = { code: 'version_mismatch', message: 'the version is 3' } as const;
const nonsense = expect.objectContaining({ ok: false, code: 'node_error' });
const doubtfulNonsense = expect.objectContaining({ ok: false, code: 'node_error', maybeApplied: true });

describe('the answer to a write', () => {
  it('is an outcome for each item, failures in their places', () => {
    const set = {
      keys_added: 2,
      keys_failed: [{ key: a, ...failure }],
      versions: [null, 5, 6],
      created: [null, true, false],
    };
    expect(readSetOutcomes(JSON.stringify(set), 3)).toEqual([
      { ok: false, ...failure },
      { ok: true, version: 5, created: true },
      { ok: true, version: 6, created: false },
    ]);
    const deletion = {
      keys_deleted: 1,
      keys_failed: [{ key: b, ...failure, maybe_applied: true }],
      deleted: [true, null, false],
    };
    expect(readDeleteOutcomes(JSON.stringify(deletion), 3)).toEqual([
      { ok: true, deleted: true },
      { ok: false, ...failure, maybeApplied: true },
      { ok: true, deleted: false },
    ]);
  });

  const failed = [{ key: a, ...failure }];
  const created = [true, false];
  it.each([
    ['nothing', ''],
    ['not JSON', '<html>'],
    ['JSON of another kind', '[]'],
    ['a body without outcomes', '{"keys_added":2,"keys_failed":[]}'],
    ['too few outcomes', { created, versions: [1], keys_failed: [] }],
    ['too many outcomes', { created, versions: [1, 2, 3], keys_failed: [] }],
    ['no list of failures', { created, versions: [1, 2] }],
    ['a failure that is not listed', { created, versions: [1, null], keys_failed: [] }],
    ['a failure too many', { created, versions: [1, 2], keys_failed: failed }],
    [
      'a failure of an unknown code',
      { created, versions: [1, null], keys_failed: [{ ...failure, code: 'x' }] },
    ],
    ['a failure without a message', { created, versions: [1, null], keys_failed: [{ code: failure.code }] }],
    ['versions that are text', { created, versions: ['1', '2'], keys_failed: [] }],
    ['version 0', { created, versions: [1, 0], keys_failed: [] }],
    ['no word of what was created', { versions: [1, 2], keys_failed: [] }],
    ['too few words of what was created', { created: [true], versions: [1, 2], keys_failed: [] }],
    [
      'words of what was created that are no booleans',
      { created: [1, 0], versions: [1, 2], keys_failed: [] },
    ],
    ['a version that is no integer', { created, versions: [1, 1.5], keys_failed: [] }],
  ])('is not believed in any part when it is %s, and leaves open what was written', (_, body) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    expect(readSetOutcomes(text, 2)).toEqual([doubtfulNonsense, doubtfulNonsense]);
  });

  it('is not believed when deletions are not told as true or false', () => {
    const body = JSON.stringify({ deleted: [true, 1], keys_failed: [] });
    expect(readDeleteOutcomes(body, 2)).toEqual([doubtfulNonsense, doubtfulNonsense]);
  });
});

describe('the answer to a read', () => {
  const pair = { key: a, value: { encoding: 'string', data: 'v' }, version: 7 };

  it('is an entry, an absence or a failure for each key', () => {
    const body = [
      { ...pair, ttl_ms: 9 },
      { key: b, value: null },
      { ...pair, value: { encoding: 'binary', data: 'AB' } },
      { key: b, value: null, error: failure },
    ];
    expect(readFetchOutcomes(JSON.stringify(body), [a, b, a, b])).toEqual([
      { ok: true, entry: { value: stringValue('v'), version: 7, ttlMs: 9 } },
      { ok: true, entry: null },
      { ok: true, entry: { value: binaryValue(Buffer.from([0xab])), version: 7 } },
      { ok: false, ...failure },
    ]);
    const presences = [
      { key: a, value: true },
      { key: b, value: null, error: failure },
    ];
    expect(readQueryOutcomes(JSON.stringify(presences), keys)).toEqual([
      { ok: true, present: true },
      { ok: false, ...failure },
    ]);
  });

  it.each([
    ['an object', {}],
    ['too short', [pair]],
    ['too long', [pair, { key: b, value: null }, { key: b, value: null }]],
    ['for other keys', [pair, { key: stringKey('other'), value: null }]],
    ['for keys of another encoding', [pair, { key: { ...b, encoding: 'string' }, value: null }]],
    ['in another order', [{ key: b, value: null }, pair]],
    ['without its keys', [{ value: null }, { value: null }]],
    ['of items that are no objects', [null, 'a']],
    ['without a value', [pair, { key: b }]],
    ['without a version', [pair, { key: b, value: pair.value }]],
    ['of a version below 1', [pair, { key: b, value: pair.value, version: -1 }]],
    ['of an unknown encoding', [pair, { key: b, value: { encoding: 'x', data: '' }, version: 1 }]],
    ['of half a byte', [pair, { key: b, value: { encoding: 'binary', data: 'abc' }, version: 1 }]],
    ['of a lone surrogate', [pair, { key: b, value: { encoding: 'string', data: '\ud800' }, version: 1 }]],
    ['of a time to live that is over', [pair, { ...pair, key: b, ttl_ms: 0 }]],
    ['of an error that is none', [pair, { key: b, value: null, error: {} }]],
  ])('is not believed in any part when it is %s', (_, body) => {
    expect(readFetchOutcomes(JSON.stringify(body), keys)).toEqual([nonsense, nonsense]);
  });

  it('is not believed when presence is told by anything but true and false', () => {
    const body = JSON.stringify([
      { key: a, value: true },
      { key: b, value: 1 },
    ]);
    expect(readQueryOutcomes(body, keys)).toEqual([nonsense, nonsense]);
  });

  it('never makes the proxy throw, whatever the node sends, and has an outcome for each key', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (body) => {
        for (const outcomes of [
          readSetOutcomes(body, 2),
          readDeleteOutcomes(body, 2),
          readFetchOutcomes(body, keys),
          readQueryOutcomes(body, keys),
        ]) {
          expect(outcomes).toEqual([nonsense, nonsense]);
        }
      }),
    );
  });
});

describe('a problem', () => {
  const problem = (code: string) => readProblem('node:1', JSON.stringify({ code, detail: 'why' }));

  it('answers for the whole batch, with the code and reason of the node', () => {
    const refusal = { ok: false, code: 'overloaded', message: 'node:1: why' };
    expect(problem('overloaded')).toEqual(refusal);
    expect(readSetOutcomes(problem('overloaded'), 2)).toEqual([refusal, refusal]);
    expect(readFetchOutcomes(problem('overloaded'), keys)).toEqual([refusal, refusal]);
  });

  it.each(['shutting_down', 'not_ready'])('%s is a node that is away', (code) => {
    expect(problem(code)).toMatchObject({ code: 'node_unavailable' });
  });

  it.each(['not_found', 'method_not_allowed', 'key_not_found'])(
    '%s comes from no storage node, and must not look like an absent key',
    (code) => {
      expect(problem(code)).toMatchObject({ code: 'node_error' });
    },
  );

  it('of a node that failed unexpectedly leaves open what was written, but not what was read', () => {
    expect(readSetOutcomes(problem('internal_error'), 1)).toEqual([doubtfulNonsense]);
    expect(readDeleteOutcomes(problem('internal_error'), 1)).toEqual([doubtfulNonsense]);
    expect(readFetchOutcomes(problem('internal_error'), [a])).toEqual([
      { ok: false, code: 'node_error', message: 'node:1: why' },
    ]);
  });

  it.each(['{}', '{"code":"unheard_of"}', 'not JSON', '[]'])(
    'that is not one, %s, is an error of the node',
    (body) => {
      expect(readProblem('node:1', body)).toEqual(nonsense);
    },
  );
});

describe('statistics', () => {
  it('are read as sent', () => {
    expect(readStats('{"engine":"memory","keys":3}')).toEqual({ engine: 'memory', keys: 3 });
  });

  it.each([
    '',
    '[]',
    'null',
    '{"engine":"memory"}',
    '{"engine":1,"keys":3}',
    '{"engine":"memory","keys":-1}',
  ])('%j is none', (body) => {
    expect(readStats(body)).toBeUndefined();
  });
});
