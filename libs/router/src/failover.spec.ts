import { ALL_PARTITIONS, partitionOf, stringKey, stringValue, type Key } from '@kvs/protocol';
import { TransportError, type TransportFailure } from './node-transport.js';
import { MovingCluster, UNSEEN_MS } from './testing/moving-cluster.js';

const [one, two, three] = ['node-1:3000', 'node-2:3000', 'node-3:3000'];
const value = stringValue('v');
const keys = ['a', 'b', 'c'].map(stringKey);
const partitions = keys.map(partitionOf);
const setItems = (some: readonly Key[]) => some.map((key) => ({ key, value }));
const written = { ok: true, version: 1, created: true };
const gone = (failure: TransportFailure) => new TransportError(failure, 'gone');

let cluster: MovingCluster;
beforeEach(() => {
  cluster = new MovingCluster([one, two]);
});
afterEach(() => cluster.router.close());

describe('partitions that have moved', () => {
  it('are found as soon as the table shows them, for just the items that live there', async () => {
    cluster.moveUnseen(partitions.slice(1), two);
    expect(await cluster.router.set(setItems(keys))).toEqual([written, written, written]);
    expect(cluster.node(one).requests).toEqual(['set 3']);
    expect(cluster.node(two).requests).toEqual(['set 2']);
    expect(cluster.time.nowMs()).toBe(UNSEEN_MS);
  });

  it('are found for reads and deletes too', async () => {
    await cluster.router.set(setItems(keys));
    for (const pair of cluster.node(one).pairs.entries()) cluster.node(two).pairs.set(...pair);
    const present = keys.map(() => ({ ok: true, present: true }));
    cluster.moveUnseen(partitions, two);
    expect(await cluster.router.query(keys)).toEqual(present);
    cluster.moveUnseen(partitions, one);
    expect(await cluster.router.fetch(keys)).toEqual(
      keys.map(() => ({ ok: true, entry: { value, version: 1 } })),
    );
    cluster.moveUnseen(partitions, two);
    expect(await cluster.router.delete(keys.map((key) => ({ key })))).toEqual(
      keys.map(() => ({ ok: true, deleted: true })),
    );
  });

  it('are asked for again at once if they have moved while they were asked for', async () => {
    const first = cluster.node(one);
    const set = first.set.bind(first);
    first.set = async (items) => {
      cluster.table.move(partitions, two);
      cluster.table.announce();
      return set(items);
    };
    expect(await cluster.router.set(setItems(keys))).toEqual([written, written, written]);
    expect(cluster.time.nowMs()).toBe(0);
  });

  it('are asked for at each change of the table, and at intervals between', async () => {
    const askedMs: number[] = [];
    cluster.node(one).query = async (some) => {
      const nowMs = cluster.time.nowMs();
      askedMs.push(nowMs);
      return some.map(() =>
        nowMs < 300 ? { ok: false, code: 'wrong_node', message: '' } : { ok: true, present: true },
      );
    };
    for (const afterMs of [30, 160])
      cluster.time.after(afterMs, () => cluster.table.announceNodes([one, two]));
    await cluster.router.query(keys);
    expect(askedMs).toEqual([0, 30, 130, 160, 260, 360]);
  });

  it('are asked for with the largest epoch of their entries', async () => {
    cluster.table.move(partitions.slice(0, 2), two);
    cluster.table.move(partitions.slice(0, 1), two);
    cluster.table.announce();
    await cluster.router.set(setItems(keys));
    await cluster.router.fetch(keys);
    await cluster.router.query(keys);
    await cluster.router.delete(keys.map((key) => ({ key })));
    await cluster.router.scan({
      meta: false,
      partial: false,
      partitions: [...partitions].sort((x, y) => x - y),
    });
    expect([cluster.node(one).epochs, cluster.node(two).epochs]).toEqual([
      [1, 1, 1, 1, 1],
      [3, 3, 3, 3, 3],
    ]);
  });
});

describe('a partition without a primary', () => {
  it('is waited for, without a call to any node, and used as soon as it has one', async () => {
    cluster.table.move(partitions, undefined);
    cluster.table.announce();
    cluster.moveLater(1950, partitions, two);
    expect(await cluster.router.set(setItems(keys))).toEqual([written, written, written]);
    expect([cluster.node(one).requests, cluster.node(two).requests]).toEqual([[], ['set 3']]);
    expect(cluster.time.nowMs()).toBe(1950);
  });

  it('fails its items with node_unavailable when the time is up, and no others', async () => {
    cluster.table.move(partitions.slice(0, 1), undefined);
    const unavailable = expect.objectContaining({ ok: false, code: 'node_unavailable' });
    const outcomes = await cluster.router.set(setItems(keys));
    expect(outcomes).toEqual([unavailable, written, written]);
    expect(outcomes.filter((outcome) => 'maybeApplied' in outcome)).toEqual([]);
    expect(cluster.time.nowMs()).toBe(5000);
  });

  it('lets only so many requests wait, and the others fail without a wait', async () => {
    cluster = new MovingCluster([one, two], { failover: { maxRequests: 2 } });
    cluster.table.move(partitions, undefined);
    let ended = 0;
    const waits = [1, 2, 3].map(() => cluster.router.query(keys.slice(0, 1)).finally(() => ended++));
    await waits[2];
    expect([ended, cluster.time.nowMs()]).toEqual([1, 0]);
    await Promise.all(waits);
    await cluster.router.query(keys);
    expect(cluster.time.nowMs()).toBeGreaterThan(9000);
  });

  it('lets only so many bytes wait, but one request of any size', async () => {
    cluster = new MovingCluster([one, two], { failover: { maxBytes: 10 } });
    cluster.table.move(partitions, undefined);
    const large = cluster.router.set([{ key: stringKey('a'), value: stringValue('v'.repeat(100)) }]);
    await cluster.router.query([stringKey('a')]);
    expect(cluster.time.nowMs()).toBe(0);
    expect(await large).toMatchObject([{ code: 'node_unavailable' }]);
  });

  it('lets bytes up to the limit wait together, each time', async () => {
    cluster = new MovingCluster([one, two], { failover: { maxBytes: 10, waitMs: 250 } });
    cluster.table.move(partitions, undefined);
    const ended: string[] = [];
    const wait = (data: string) => cluster.router.query([stringKey(data)]).then(() => ended.push(data));
    cluster.table.move([stringKey('aaaaa'), stringKey('bbbbb'), stringKey('c')].map(partitionOf), undefined);
    for (const endMs of [250, 500]) {
      const waits = [wait('aaaaa'), wait('bbbbb'), wait('c')];
      await waits[2];
      expect(ended.splice(0)).toEqual(['c']);
      await Promise.all(waits);
      expect([ended.splice(0), cluster.time.nowMs()]).toEqual([['aaaaa', 'bbbbb'], endMs]);
    }
  });

  it('is waited for no longer than until the router is closed', async () => {
    cluster.table.move(partitions, undefined);
    cluster.time.after(50, () => cluster.router.close());
    expect(await cluster.router.query(keys)).toMatchObject(keys.map(() => ({ code: 'node_unavailable' })));
    expect(cluster.time.nowMs()).toBe(50);
  });
});

describe('a primary that is away', () => {
  it('is asked again after a pause, although the table has not changed', async () => {
    cluster.node(one).nextFailures.push(gone('unconnected'));
    expect(await cluster.router.set(setItems(keys))).toEqual([written, written, written]);
    expect([cluster.node(one).requests, cluster.time.nowMs()]).toEqual([['set 3', 'set 3'], 100]);
  });

  it('is replaced by the next one, for writes that were not sent', async () => {
    cluster.node(one).failure = gone('unconnected');
    cluster.moveLater(450, partitions, two);
    expect(await cluster.router.set(setItems(keys))).toEqual([written, written, written]);
    expect(cluster.node(two).requests).toEqual(['set 3']);
  });

  it.each(['broken', 'timeout', 'refused'] as const)(
    'leaves a write open that was sent (%s), which is not sent again',
    async (failure) => {
      cluster.node(one).nextFailures.push(gone(failure));
      expect(await cluster.router.set(setItems(keys))).toEqual(
        keys.map(() => expect.objectContaining({ code: 'node_unavailable', maybeApplied: true })),
      );
      expect([cluster.node(one).requests, cluster.time.nowMs()]).toEqual([['set 3'], 0]);
    },
  );

  it.each(['unconnected', 'broken', 'timeout'] as const)('is replaced for reads (%s)', async (failure) => {
    cluster.node(one).failure = gone(failure);
    cluster.moveLater(250, partitions, two);
    expect(await cluster.router.query(keys)).toEqual(keys.map(() => ({ ok: true, present: false })));
  });

  it('is not waited for if the address is a proxy', async () => {
    cluster.node(one).failure = gone('loop');
    expect(await cluster.router.query(keys)).toMatchObject(keys.map(() => ({ code: 'loop_detected' })));
    expect(cluster.time.nowMs()).toBe(0);
  });

  it('does not hide a defect', async () => {
    const defect = new TypeError('a defect');
    cluster.node(one).failure = defect;
    await expect(cluster.router.set(setItems(keys))).rejects.toBe(defect);
  });
});

it('a write does not overtake a later one of its key that was applied', async () => {
  const [key = stringKey('a')] = keys;
  let calls = 0;
  cluster.node(one).set = async (items) =>
    items.map((_, i) =>
      i === 0 && calls++ === 0
        ? { ok: false, code: 'wrong_node', message: '' }
        : { ok: true, version: 1, created: true },
    );
  const outcomes = await cluster.router.set([
    { key, value: stringValue('first') },
    { key, value: stringValue('second') },
  ]);
  expect(outcomes).toEqual([expect.objectContaining({ code: 'node_unavailable' }), written]);
  expect(calls).toBe(1);
});

it('a read is attempted again although a later one of its key was answered', async () => {
  const [key = stringKey('a')] = keys;
  let calls = 0;
  cluster.node(one).query = async (some) =>
    some.map(() =>
      calls++ === 0 ? { ok: false, code: 'wrong_node', message: '' } : { ok: true, present: true },
    );
  expect(await cluster.router.query([key, key])).toEqual(Array(2).fill({ ok: true, present: true }));
});

describe('nodes', () => {
  it('that come are used, and those that go are closed when calls in flight have had time to end', async () => {
    const first = cluster.node(one);
    cluster.table.move(ALL_PARTITIONS, three);
    cluster.table.announceNodes([two, three]);
    expect(await cluster.router.set(setItems(keys))).toEqual([written, written, written]);
    expect(cluster.router.callsByNode().map(({ node, calls }) => [node, calls])).toEqual([
      [two, 0],
      [three, 1],
    ]);
    expect((await cluster.router.cluster()).nodes.map((node) => node.partitions)).toEqual([0, 4096]);
    while (!first.closed) await new Promise((resolve) => setImmediate(resolve));
    expect(cluster.time.nowMs()).toBe(10_000);
    expect([cluster.node(two).closed, cluster.node(three).closed]).toEqual([false, false]);
  });

  it('are closed with the router, also those that have gone, and none is connected to afterwards', () => {
    const [first, second] = [cluster.node(one), cluster.node(two)];
    cluster.table.move(ALL_PARTITIONS, two);
    cluster.table.announceNodes([two]);
    cluster.router.close();
    cluster.table.announceNodes([two, three]);
    expect([first.closed, second.closed]).toEqual([true, true]);
    expect(() => cluster.node(three)).toThrow('no node');
    expect(cluster.table.listenerCount).toBe(0);
  });

  it('are listed with the partitions that they serve', async () => {
    cluster.table.move(partitions, two);
    cluster.table.move([0], undefined);
    cluster.table.announce();
    const { nodes } = await cluster.router.cluster();
    expect(nodes.map(({ node, partitions: count }) => [node, count])).toEqual([
      [one, 4096 - 3 - 1],
      [two, 3],
    ]);
    expect(await cluster.router.isReachable()).toBe(true);
  });

  it('cannot be reached before any partition is assigned', async () => {
    cluster.table.move(ALL_PARTITIONS, undefined);
    cluster.table.announce();
    expect([await cluster.router.isReachable(), (await cluster.router.cluster()).nodes.length]).toEqual([
      false,
      2,
    ]);
  });

  it('of an empty cluster cannot be reached', async () => {
    cluster.table.move(ALL_PARTITIONS, undefined);
    cluster.table.announceNodes([]);
    expect([await cluster.router.isReachable(), (await cluster.router.cluster()).nodes]).toEqual([false, []]);
  });
});
