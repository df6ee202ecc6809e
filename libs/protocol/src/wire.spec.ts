import { stringKey, stringValue } from './key.js';
import type { ItemFailure } from './operations.js';
import { batchStatus, deleteAnswer, fetchAnswer, queryAnswer, setAnswer } from './wire.js';

const [a, b] = [stringKey('a'), stringKey('b')];
const value = stringValue('v');
const mismatch: ItemFailure = { ok: false, code: 'version_mismatch', message: 'it is 3' };
const away: ItemFailure = { ok: false, code: 'node_unavailable', message: 'gone', maybeApplied: true };

describe('the status of a batch', () => {
  it('is 200 when all is done, and for an empty batch', () => {
    expect(batchStatus([{ ok: true }])).toBe(200);
    expect(batchStatus([])).toBe(200);
  });

  it('is 207 when some failed, or all for several reasons', () => {
    expect(batchStatus([{ ok: true }, mismatch])).toBe(207);
    expect(batchStatus([away, mismatch])).toBe(207);
  });

  it.each([
    ['version_mismatch', 409],
    ['out_of_memory', 507],
    ['node_unavailable', 503],
    ['engine_unavailable', 503],
  ] as const)("is the reason's own when all failed with %s", (code, status) => {
    const failure: ItemFailure = { ok: false, code, message: '' };
    expect(batchStatus([failure, failure])).toBe(status);
  });
});

describe('answers', () => {
  it('to set count the added pairs and list the failed items', () => {
    const items = [
      { key: a, value },
      { key: b, value },
    ];
    expect(setAnswer(items, [{ ok: true, version: 7, created: true }, away], true)).toEqual({
      status: 207,
      body: {
        keys_added: 1,
        keys_failed: [{ key: b, code: 'node_unavailable', message: 'gone', maybe_applied: true }],
        versions: [7, null],
        created: [true, null],
      },
    });
  });

  it('to delete count only pairs that were present', () => {
    const outcomes = [
      { ok: true, deleted: true },
      { ok: true, deleted: false },
    ] as const;
    expect(deleteAnswer([{ key: a }, { key: b }], outcomes, false)).toEqual({
      status: 200,
      body: { keys_deleted: 1, keys_failed: [] },
    });
  });

  it('to fetch have null for an absent key, and an error for one that is not known', () => {
    const entry = { value, version: 7, ttlMs: 5 };
    const outcomes = [{ ok: true, entry }, { ok: true, entry: null }, mismatch] as const;
    expect(fetchAnswer([a, b, a], outcomes, false).body).toEqual([
      { key: a, value },
      { key: b, value: null },
      { key: a, value: null, error: { code: 'version_mismatch', message: 'it is 3' } },
    ]);
    expect(fetchAnswer([a], [{ ok: true, entry }], true).body).toEqual([
      { key: a, value, version: 7, ttl_ms: 5 },
    ]);
  });

  it('to query say whether each key is there', () => {
    expect(queryAnswer([a, b], [{ ok: true, present: true }, away])).toEqual({
      status: 207,
      body: [
        { key: a, value: true },
        { key: b, value: null, error: { code: 'node_unavailable', message: 'gone', maybe_applied: true } },
      ],
    });
  });

  it('throw if outcomes are missing, because that is a defect', () => {
    expect(() => queryAnswer([a], [])).toThrow(TypeError);
  });
});
