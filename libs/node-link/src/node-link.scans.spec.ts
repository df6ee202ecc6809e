import { strict as assert } from 'node:assert';
import { setImmediate } from 'node:timers/promises';
import { text as textOf } from 'node:stream/consumers';
import { KvsError, stringKey, stringValue, WrongNodeError } from '@kvs/protocol';
import { FixedNodes, Router } from '@kvs/router';
import { ScanStoppedError } from '@kvs/router/transport';
import { NodeLink } from './node-link.js';
import { failureOf, linkTest } from '../test/link-test.js';

const a = stringKey('a');
const item = { key: a, value: stringValue('1') };
const everything = { meta: false };

const MIB = 2 ** 20;

/** As many chunks of 64 KiB as asked for, and how many were taken. */
function chunksOf(bytes: number): {
  readonly taken: () => number;
  readonly chunks: () => AsyncGenerator<Uint8Array>;
} {
  let taken = 0;
  return {
    taken: () => taken,
    async *chunks() {
      for (let sent = 0; sent < bytes; sent += 64 * 1024) {
        taken += 64 * 1024;
        yield new Uint8Array(64 * 1024).fill(0x78);
      }
    },
  };
}

const isStoppedAt = (partition: number) => (error: unknown) =>
  error instanceof ScanStoppedError && error.partition === partition;

describe('a node link: scans and statistics', () => {
  linkTest(
    'a scan gives the pairs of the node, in the format that was asked for',
    async ({ connect, store }) => {
      const transport = connect();
      await transport.set([item]);
      const { lines } = await transport.scan({ ...everything, format: 'items' });
      assert.equal(await textOf(lines), `${JSON.stringify(item)}\n`);
      assert.deepEqual(store.scans, [{ ...everything, format: 'items' }]);
    },
  );

  linkTest(
    'a scan carries its prefix, its partitions, and what each pair has',
    async ({ connect, store }) => {
      const prefix = stringValue('a&b=ü');
      const request = {
        meta: true,
        values: false,
        prefix,
        partitions: [0, 7, 8, 4095],
        format: 'lines' as const,
      };
      await textOf((await connect().scan(request)).lines);
      assert.deepEqual(store.scans, [request]);
    },
  );

  linkTest('a scan without pairs is empty and complete', async ({ connect }) => {
    assert.equal(await textOf((await connect().scan(everything)).lines), '');
  });

  linkTest('a scan of much more than its window comes whole', async ({ connect, store }) => {
    const { chunks } = chunksOf(8 * MIB);
    store.scanChunks = chunks;
    assert.equal((await textOf((await connect().scan(everything)).lines)).length, 8 * MIB);
  });

  linkTest('a chunk of any size comes whole', async ({ connect, store }) => {
    store.scanChunks = async function* () {
      yield new Uint8Array(3 * MIB + 1).fill(0x79);
    };
    assert.equal((await textOf((await connect().scan(everything)).lines)).length, 3 * MIB + 1);
  });

  linkTest(
    'a scan that stops at a partition gives what is before it, and says which one',
    async ({ connect, store }) => {
      store.scanChunks = async function* () {
        yield Buffer.from('x\n');
        throw new WrongNodeError(4095);
      };
      const read: Uint8Array[] = [];
      const { lines } = await connect().scan(everything);
      await assert.rejects(async () => {
        for await (const chunk of lines) read.push(chunk);
      }, isStoppedAt(4095));
      assert.equal(Buffer.concat(read).toString(), 'x\n');
    },
  );

  linkTest(
    'a scan that stops before its first pair is refused, and says at which partition',
    async ({ connect, store }) => {
      store.failure = new WrongNodeError(0);
      await assert.rejects(connect().scan(everything), isStoppedAt(0));
    },
  );

  linkTest(
    'a proxy reports a scan beyond the limit of its node as such, and not the node as missing',
    async ({ node, store }) => {
      const table = new FixedNodes([`127.0.0.1:${node.port}`]);
      const router = new Router(table, (address) => new NodeLink(address, { nodeTimeoutMs: 60_000 }));
      store.failure = new KvsError('overloaded', 'too many scans');
      for (const partial of [false, true])
        await assert.rejects(router.scan({ ...everything, partial }), {
          code: 'overloaded',
          message: 'too many scans',
        });
      router.close();
    },
  );

  linkTest('a slow reader stops its own scan and nothing else', async ({ connect, store }) => {
    const transport = connect();
    const { chunks, taken } = chunksOf(64 * MIB);
    store.scanChunks = chunks;
    const slow = await transport.scan(everything);
    assert.deepEqual(await transport.query([a]), [{ ok: true, present: false }]);
    store.scanChunks = chunksOf(4 * MIB).chunks;
    assert.equal((await textOf((await transport.scan(everything)).lines)).length, 4 * MIB);
    assert.ok(taken() < MIB, `${taken()} bytes were taken for a reader that reads nothing`);
    slow.close();
  });

  linkTest('calls are answered while several scans run', async ({ connect, store }) => {
    const transport = connect();
    store.scanChunks = chunksOf(16 * MIB).chunks;
    const scans = await Promise.all(Array.from({ length: 3 }, () => transport.scan(everything)));
    let isOver = false;
    const texts = Promise.all(scans.map(({ lines }) => textOf(lines))).finally(() => (isOver = true));
    let answered = 0;
    while (!isOver) {
      await transport.query([a]);
      answered++;
    }
    for (const { length } of await texts) assert.equal(length, 16 * MIB);
    assert.ok(answered > 10, `only ${answered} calls were answered meanwhile`);
  });

  linkTest('a scan that is closed stops the node', async ({ connect, store }) => {
    const transport = connect();
    store.scanChunks = chunksOf(64 * MIB).chunks;
    const unread = await transport.scan(everything);
    unread.close();
    unread.close();
    for await (const chunk of (await transport.scan(everything)).lines) {
      assert.ok(chunk.length > 0);
      break;
    }
    while (store.openScans > 0) await transport.query([a]);
  });

  linkTest('a scan that is closed stops the node also while it finds nothing', async ({ connect, store }) => {
    const transport = connect();
    store.scanChunks = async function* () {
      for (;;) {
        await setImmediate();
        yield new Uint8Array();
      }
    };
    (await transport.scan(everything)).close();
    while (store.openScans > 0) await transport.query([a]);
  });

  linkTest('a scan that the node refuses is refused', async ({ connect, store }) => {
    const transport = connect();
    store.failure = new KvsError('engine_unavailable', 'gone');
    assert.equal(await failureOf(transport.scan(everything)), 'refused');
    assert.equal(await failureOf(transport.stats()), 'refused');
  });

  linkTest(
    'a scan that the node cannot complete breaks after the pairs that came',
    async ({ connect, store }) => {
      store.scanChunks = async function* () {
        yield Buffer.from('x\n');
        throw new KvsError('overloaded', 'gone'); // which means a full node only before the first pair
      };
      const { lines } = await connect().scan(everything);
      const seen: string[] = [];
      const reading = async (): Promise<void> => {
        for await (const chunk of lines) seen.push(String(chunk));
      };
      assert.equal(await failureOf(reading()), 'broken');
      assert.equal(seen.length, 1);
    },
  );

  linkTest(
    'a scan breaks when the node is killed, also before anybody reads',
    async ({ connect, store, node }) => {
      const transport = connect();
      store.scanChunks = chunksOf(64 * MIB).chunks;
      const scans = [await transport.scan(everything), await transport.scan(everything)];
      await node.kill();
      for (const { lines } of scans) assert.equal(await failureOf(textOf(lines)), 'broken');
    },
  );

  linkTest('a scan is not answered without a connection', async ({ connect, node }) => {
    await node.kill();
    const transport = connect();
    assert.equal(await failureOf(transport.scan(everything)), 'unconnected');
    assert.equal(await failureOf(transport.stats()), 'unconnected');
  });

  linkTest('a node that goes away finishes its scans', async ({ connect, store, node }) => {
    const transport = connect();
    store.scanChunks = chunksOf(4 * MIB).chunks;
    const { lines } = await transport.scan(everything);
    const drained = node.drain();
    assert.equal((await textOf(lines)).length, 4 * MIB);
    await drained;
  });

  linkTest('closing breaks the scans in flight', async ({ connect, store }) => {
    const transport = connect();
    store.scanChunks = chunksOf(64 * MIB).chunks;
    const { lines } = await transport.scan(everything);
    transport.close();
    assert.equal(await failureOf(textOf(lines)), 'broken');
    assert.equal(await failureOf(transport.scan(everything)), 'unconnected');
  });

  linkTest('statistics are those of the node', async ({ connect, store }) => {
    const transport = connect();
    await transport.set([item]);
    assert.deepEqual(await transport.stats(), store.stats());
  });
});
