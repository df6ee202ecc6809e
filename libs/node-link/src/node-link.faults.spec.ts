import { strict as assert } from 'node:assert';
import { stringKey, stringValue } from '@kvs/protocol';
import { failureOf, linkTest, untilReached, type KeyTransport } from '../test/link-test.js';

const [a, b] = [stringKey('a'), stringKey('b')];
const item = { key: a, value: stringValue('1') };
const absent = [{ ok: true, present: false }];

/** The next call finds a way that is open. */
async function warmUp(transport: KeyTransport): Promise<void> {
  await untilReached(() => transport.query([b]));
}

describe('a node link: faults', () => {
  linkTest('without a connection, a call surely was not seen', async ({ connect, node }) => {
    await node.kill();
    const transport = connect({}, `127.0.0.1:${node.port}`);
    assert.equal(await failureOf(transport.set([item])), 'unconnected');
    assert.equal(await failureOf(transport.query([a])), 'unconnected');
  });

  linkTest(
    'an answer that is cut in the middle is a broken call, and the next one is well',
    async ({ connect, wire }) => {
      const transport = connect();
      for (const call of [() => transport.set([item]), () => transport.fetch([a])]) {
        await warmUp(transport);
        wire.cutNextAnswer();
        assert.equal(await failureOf(call()), 'broken');
        assert.deepEqual(await untilReached(() => transport.query([b])), absent);
      }
    },
  );

  linkTest(
    'an answer that makes no sense is a broken call, and the next one is well',
    async ({ connect, wire }) => {
      const transport = connect();
      await warmUp(transport);
      wire.garbleNextAnswer();
      assert.equal(await failureOf(transport.set([item])), 'broken');
      assert.deepEqual(await untilReached(() => transport.query([b])), absent);
    },
  );

  linkTest(
    'a node that does not answer has its time, and is used when it answers again',
    async ({ connect, wire }) => {
      const transport = connect({ nodeTimeoutMs: 100 });
      const calls = () => [transport.set([item]), transport.fetch([b]), transport.query([b])];
      await untilReached(() => Promise.all(calls())); // so that there are connections for all
      wire.stall();
      assert.deepEqual(await Promise.all(calls().map(failureOf)), ['timeout', 'timeout', 'timeout']);
      wire.resume();
      assert.deepEqual(await untilReached(() => transport.query([b])), absent);
    },
  );

  linkTest('calls on one key have no more time than others', async ({ connect, wire, store }) => {
    const transport = connect({ nodeTimeoutMs: 50 });
    await warmUp(transport);
    wire.stall();
    let open = 10;
    const failures = Array.from({ length: open }, () => {
      return failureOf(transport.set([item])).finally(() => open--);
    });
    await failures[0];
    for (let i = 0; i < 3; i++) await failureOf(transport.query([b]));
    assert.equal(open, 0);
    wire.resume();
    await untilReached(() => transport.query([b]));
    const sent = (await Promise.all(failures)).filter((failure) => failure !== 'unconnected').length;
    assert.ok(store.began.filter((key) => key === a.data).length <= sent, 'what was not sent was not seen');
  });

  linkTest('a node that is killed and started again is used again', async ({ connect, node }) => {
    const transport = connect();
    await warmUp(transport);
    await node.kill();
    await failureOf(transport.set([item]));
    await node.start();
    assert.deepEqual(await untilReached(() => transport.query([b])), absent);
  });

  linkTest('a node that is killed breaks the calls in flight', async ({ connect, node, store }) => {
    const transport = connect();
    await warmUp(transport);
    const release = store.hold(a);
    const call = failureOf(transport.set([item]));
    await store.hasBegun(2);
    await node.kill();
    assert.equal(await call, 'broken');
    release();
  });

  linkTest('a slow node delays no calls to others', async ({ connect, wire, node }) => {
    const slow = connect();
    const well = connect({}, `127.0.0.1:${node.port}`);
    await Promise.all([warmUp(slow), warmUp(well)]);
    wire.stall();
    let isAnswered = false;
    const late = slow.query([a]).then(() => (isAnswered = true));
    await Promise.all(Array.from({ length: 50 }, () => well.query([a])));
    assert.equal(isAnswered, false);
    wire.resume();
    await late;
  });
});
