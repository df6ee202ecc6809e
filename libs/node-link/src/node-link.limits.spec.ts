import { strict as assert } from 'node:assert';
import { AnswerSize, stringKey, stringValue } from '@kvs/protocol';
import { failureOf, linkTest } from '../test/link-test.js';

const a = stringKey('a');
const keys = Array.from({ length: 12 }, (_, i) => stringKey(`key-${i}`));

describe('a node link: limits and end', () => {
  linkTest(
    'a large batch of which there is only room for a part says of each item what became of it',
    async ({ connect, store }) => {
      const transport = connect({ maxPendingCalls: 2 });
      await transport.query([a]);
      const value = stringValue('v'.repeat(200_000));
      const items = keys.map((key) => ({ key, value }));
      const outcomes = await transport.set(items);
      const isWritten = store.query(keys);
      assert.ok(Array.isArray(isWritten));
      assert.deepEqual(
        outcomes.map((outcome) => ({ ok: true, present: outcome.ok || outcome.maybeApplied === true })),
        isWritten,
      );
      assert.equal(outcomes[0]?.ok, true);
      for (const outcome of outcomes) if (!outcome.ok) assert.equal(outcome.code, 'overloaded');
    },
  );

  linkTest('an answer that grows too large is refused, and the others are answered', async ({ connect }) => {
    const transport = connect();
    const value = stringValue('v'.repeat(200_000));
    await transport.set([...keys, a].map((key) => ({ key, value })));
    const refused = transport.fetch(keys, new AnswerSize(1_000_000));
    const other = transport.fetch([a], new AnswerSize(1_000_000));
    await assert.rejects(refused, { code: 'answer_too_large' });
    const [outcome] = await other;
    assert.ok(outcome?.ok);
    assert.deepEqual(outcome.entry?.value, value);
    const outcomes = await transport.fetch(keys, new AnswerSize(2_400_000));
    assert.ok(outcomes.every((outcome) => outcome.ok && outcome.entry?.value.data === value.data));
  });

  linkTest(
    'answers that are counted together are refused when all of them are too large',
    async ({ connect }) => {
      const transport = connect();
      const value = stringValue('v'.repeat(200_000));
      await transport.set(keys.map((key) => ({ key, value })));
      const size = new AnswerSize(1_000_000);
      const calls = [keys.slice(0, 4), keys.slice(4, 8)].map((some) => transport.fetch(some, size));
      const ends = await Promise.allSettled(calls);
      assert.ok(ends.some(({ status }) => status === 'rejected'));
    },
  );

  linkTest('closing fails the calls in flight, and later calls', async ({ connect, store }) => {
    const transport = connect();
    const release = store.hold(a);
    const item = { key: a, value: stringValue('1') };
    const calls = [transport.set([item]), transport.set([item]), transport.query([a])].map(failureOf);
    await store.hasBegun(1);
    transport.close();
    for (const failure of await Promise.all(calls)) assert.match(failure, /^(broken|unconnected)$/);
    assert.equal(await failureOf(transport.query([a])), 'unconnected');
    transport.close();
    release();
  });
});
