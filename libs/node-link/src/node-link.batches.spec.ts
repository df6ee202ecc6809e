import { strict as assert } from 'node:assert';
import {
  binaryKey,
  binaryValue,
  brandKey,
  ERROR_CODES,
  KvsError,
  stringKey,
  stringValue,
  type Key,
} from '@kvs/protocol';
import { linkTest } from '../test/link-test.js';

const [a, b] = [stringKey('a'), stringKey('b')];
const one = stringValue('1');

describe('a node link: batches', () => {
  linkTest('every operation has one outcome for each item, in order', async ({ connect }) => {
    const transport = connect();
    const bytes = {
      key: binaryKey(Buffer.from('b')),
      value: binaryValue(Buffer.from([0, 255])),
      ttlMs: 5000,
    };
    const written = await transport.set([
      { key: a, value: one },
      bytes,
      { key: a, value: one, ifVersion: 7 },
      { key: a, value: one },
    ]);
    assert.deepEqual(written, [
      { ok: true, version: 1, created: true },
      { ok: true, version: 2, created: true },
      { ok: false, code: 'version_mismatch', message: 'the version is 1' },
      { ok: true, version: 3, created: false },
    ]);
    assert.deepEqual(await transport.fetch([bytes.key, b, a]), [
      { ok: true, entry: { value: bytes.value, version: 2, ttlMs: 5000, expiresAtMs: 5000 } },
      { ok: true, entry: null },
      { ok: true, entry: { value: one, version: 3 } },
    ]);
    assert.deepEqual(await transport.query([b, a]), [
      { ok: true, present: false },
      { ok: true, present: true },
    ]);
    assert.deepEqual(await transport.delete([{ key: a, ifVersion: 9 }, { key: a }, { key: b }]), [
      { ok: false, code: 'version_mismatch', message: 'the version is 3' },
      { ok: true, deleted: true },
      { ok: true, deleted: false },
    ]);
  });

  linkTest('text of every kind arrives as it was', async ({ connect }) => {
    const transport = connect();
    for (const text of ['', '\u0000"\\/', 'é\u00ff', '日本\u2028', '😀', 'x'.repeat(100_000)]) {
      const [key, value] = [stringKey(`k${text.slice(0, 9)}`), stringValue(text)];
      await transport.set([{ key, value }]);
      const [outcome] = await transport.fetch([key]);
      assert.ok(outcome?.ok);
      assert.equal(outcome.entry?.value.data, text);
    }
  });

  linkTest('an empty batch has no outcomes', async ({ connect }) => {
    const transport = connect();
    assert.deepEqual(await transport.set([]), []);
    assert.deepEqual(await transport.query([]), []);
  });

  linkTest('calls that are made at once have each their own outcomes', async ({ connect }) => {
    const transport = connect();
    const keys = Array.from({ length: 300 }, (_, i) => stringKey(`key-${i}`));
    await Promise.all(keys.map((key) => transport.set([{ key, value: stringValue(`${key.data}!`) }])));
    const reads = keys.map(async (key, i) => {
      const [outcome] = await transport.fetch([key, a]);
      assert.ok(outcome?.ok);
      assert.equal(outcome.entry?.value.data, `key-${i}!`);
      assert.deepEqual(await transport.query([key]), [{ ok: true, present: true }]);
    });
    await Promise.all(reads);
  });

  linkTest(
    'a batch that is larger than any frame should be comes back whole and in order',
    async ({ connect }) => {
      const transport = connect();
      const items = Array.from({ length: 40 }, (_, i) => ({
        key: stringKey(`key-${i}`),
        value: stringValue(`${i}`.padEnd(50_000, '.')),
      }));
      assert.equal((await transport.set(items)).filter(({ ok }) => ok).length, items.length);
      const outcomes = await transport.fetch(items.map(({ key }) => key));
      const values = outcomes.map((outcome) => (outcome.ok ? outcome.entry?.value : undefined));
      assert.deepEqual(
        values,
        items.map(({ value }) => value),
      );
    },
  );

  linkTest('an item that the node finds not valid fails its own call and no other', async ({ connect }) => {
    const transport = connect();
    await transport.query([a]);
    const bad: Key = brandKey({ encoding: 'binary', data: 'no hexadecimal' });
    const [good, refused, other] = await Promise.all([
      transport.set([{ key: a, value: one }]),
      transport.set([{ key: bad, value: one }]),
      transport.set([{ key: b, value: one }]),
    ]);
    assert.deepEqual([good[0]?.ok, other[0]?.ok], [true, true]);
    const [outcome] = refused;
    assert.ok(outcome !== undefined && !outcome.ok);
    assert.equal(ERROR_CODES[outcome.code].status, 400);
    assert.equal(outcome.maybeApplied, undefined);
  });

  linkTest('what a node refuses whole fails every item with its reason', async ({ connect, store }) => {
    const transport = connect();
    const codes = [
      ['engine_unavailable', 'engine_unavailable'],
      ['shutting_down', 'node_unavailable'],
      ['not_ready', 'node_unavailable'],
    ] as const;
    for (const [code, forClients] of codes) {
      store.failure = new KvsError(code, 'gone');
      for (const outcomes of [await transport.set([{ key: a, value: one }]), await transport.fetch([a])]) {
        const [outcome] = outcomes;
        assert.ok(outcome !== undefined && !outcome.ok);
        assert.equal(outcome.code, forClients);
        assert.match(outcome.message, /^127\.0\.0\.1:\d+: gone$/);
        assert.equal(outcome.maybeApplied, undefined);
      }
    }
  });

  linkTest(
    'a node that fails in an unforeseen way leaves open what was written',
    async ({ connect, store }) => {
      const transport = connect();
      store.failure = new TypeError('a defect');
      const [write] = await transport.set([{ key: a, value: one }]);
      assert.ok(write !== undefined && !write.ok);
      assert.deepEqual([write.code, write.maybeApplied], ['node_error', true]);
      const [read] = await transport.query([a]);
      assert.ok(read !== undefined && !read.ok);
      assert.deepEqual([read.code, read.maybeApplied], ['node_error', undefined]);
    },
  );
});
