import { strict as assert } from 'node:assert';
import { stringKey, stringValue } from '@kvs/protocol';
import { linkTest } from '../test/link-test.js';

const [a, b, c] = [stringKey('a'), stringKey('b'), stringKey('c')];
const set = (key: typeof a, text: string) => ({ key, value: stringValue(text) });

describe('a node link: order', () => {
  linkTest('calls are answered as they are done, and not as they were made', async ({ connect, store }) => {
    const transport = connect();
    const release = store.hold(a);
    let slowIsDone = false;
    const slow = transport.set([set(a, 'slow')]).then(() => (slowIsDone = true));
    await store.hasBegun(1);
    assert.deepEqual(await transport.query([b]), [{ ok: true, present: false }]);
    assert.deepEqual(await transport.delete([{ key: b }]), [{ ok: true, deleted: false }]);
    assert.equal(slowIsDone, false);
    release();
    await slow;
  });

  linkTest(
    'calls that concern one key keep their order where one of them writes',
    async ({ connect, store }) => {
      const transport = connect();
      const release = store.hold(a);
      const calls = [
        transport.set([set(a, '1')]),
        transport.set([set(a, '2')]),
        transport.fetch([a]),
        transport.delete([{ key: a }]),
        transport.query([a]),
      ] as const;
      await store.hasBegun(1);
      release();
      const [first, second, read, removed, query] = await Promise.all(calls);
      assert.deepEqual(first, [{ ok: true, version: 1, created: true }]);
      assert.deepEqual(second, [{ ok: true, version: 2, created: false }]);
      assert.deepEqual(read, [{ ok: true, entry: { value: stringValue('2'), version: 2 } }]);
      assert.deepEqual(removed, [{ ok: true, deleted: true }]);
      assert.deepEqual(query, [{ ok: true, present: false }]);
    },
  );

  linkTest('a call waits only for those that concern its own keys', async ({ connect, store }) => {
    const transport = connect();
    const release = store.hold(a);
    const slow = transport.set([set(a, '1')]);
    await store.hasBegun(1);
    const waiting = transport.fetch([b, a]);
    assert.deepEqual(await transport.set([set(c, '2')]), [{ ok: true, version: 1, created: true }]);
    release();
    await slow;
    const [, outcome] = await waiting;
    assert.ok(outcome?.ok);
    assert.equal(outcome.entry?.value.data, '1');
  });
});
