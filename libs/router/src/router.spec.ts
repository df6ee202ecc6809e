import { HashRing } from '@kvs/hash-ring';
import { stringValue, type Key } from '@kvs/protocol';
import { TransportError, type TransportFailure } from './node-transport.js';
import { Router } from './router.js';
import { FixedNodes } from './routing-table.js';
import { FakeCluster } from './testing/fake-cluster.js';
import { FakeNode } from './testing/fake-node.js';

const value = stringValue('v');
const gone = (failure: TransportFailure) => new TransportError(failure, 'gone');
const setItems = (keys: readonly Key[]) => keys.map((key) => ({ key, value }));
const deletions = (keys: readonly Key[]) => keys.map((key) => ({ key }));

const cluster = (): { cluster: FakeCluster; away: string; node: FakeNode; mine: Key[]; others: Key[] } => {
  const fake = new FakeCluster(3);
  const away = 'node-1:3000';
  return {
    cluster: fake,
    away,
    node: fake.node(away),
    mine: fake.keysOf(away),
    others: fake.keysOf(away, false),
  };
};

describe('a batch', () => {
  it('reaches only the nodes that own some of its keys, each with one request', async () => {
    const fake = new FakeCluster(3);
    const keys = [...fake.keysOf('node-0:3000'), ...fake.keysOf('node-2:3000')];
    await fake.router.set(setItems(keys));
    await fake.router.query(keys);
    expect(fake.all().map(({ requests }) => requests)).toEqual([
      ['set 3', 'query 3'],
      [],
      ['set 3', 'query 3'],
    ]);
  });

  it('passes on what a node says of single items', async () => {
    const fake = new FakeCluster(2);
    const keys = [...fake.keysOf('node-0:3000', true, 1), ...fake.keysOf('node-1:3000', true, 1)];
    const outcomes = await fake.router.set(keys.map((key, i) => ({ key, value, ifVersion: i * 7 })));
    expect(outcomes).toEqual([
      { ok: true, version: 1, created: true },
      { ok: false, code: 'version_mismatch', message: 'the version is 0' },
    ]);
  });

  it('is refused when the answers of all nodes together are too large', async () => {
    const fake = new FakeCluster(2);
    const keys = [...fake.keysOf('node-0:3000'), ...fake.keysOf('node-1:3000')];
    const large = stringValue('v'.repeat(100));
    await fake.router.set(keys.map((key) => ({ key, value: large })));
    await expect(fake.router.fetch(keys, 100 * keys.length - 1)).rejects.toMatchObject({
      code: 'answer_too_large',
    });
    const outcomes = await fake.router.fetch(keys, 100 * keys.length);
    expect(outcomes).toEqual(keys.map(() => ({ ok: true, entry: { value: large, version: 1 } })));
  });

  it('is refused for its values from two keys on, because a value alone has a limit of its own', async () => {
    const fake = new FakeCluster(1);
    const keys = fake.keysOf('node-0:3000', true, 2);
    await fake.router.set(keys.map((key) => ({ key, value: stringValue('v'.repeat(100)) })));
    expect(await fake.router.fetch(keys.slice(1), 50)).toMatchObject([{ ok: true }]);
    await expect(fake.router.fetch(keys, 150)).rejects.toMatchObject({ code: 'answer_too_large' });
  });
});

describe('a node that is away', () => {
  it('fails the items that live on it, and no others', async () => {
    const { cluster: fake, away, node, mine, others } = cluster();
    const keys = [others[0], mine[0], others[1], mine[1]].filter((key) => key !== undefined);
    const failure = { ok: false, code: 'node_unavailable', message: `${away}: gone` };
    node.failure = gone('unconnected');

    expect(await fake.router.set(setItems(keys))).toEqual([
      { ok: true, version: 1, created: true },
      failure,
      { ok: true, version: 1, created: true },
      failure,
    ]);
    expect(await fake.router.query(keys)).toEqual([
      { ok: true, present: true },
      failure,
      { ok: true, present: true },
      failure,
    ]);
    const entry = { value, version: 1 };
    expect(await fake.router.fetch(keys)).toEqual([
      { ok: true, entry },
      failure,
      { ok: true, entry },
      failure,
    ]);
    expect(await fake.router.delete(deletions(keys))).toEqual([
      { ok: true, deleted: true },
      failure,
      { ok: true, deleted: true },
      failure,
    ]);
  });

  it('is asked again by the next request, and used when it is back', async () => {
    const { cluster: fake, node, mine } = cluster();
    node.failure = gone('unconnected');
    await fake.router.set(setItems(mine));
    node.failure = undefined;
    expect(await fake.router.set(setItems(mine))).toEqual(
      mine.map(() => ({ ok: true, version: 1, created: true })),
    );
  });
});

describe('a write whose answer is lost', () => {
  it.each(['broken', 'timeout'] as const)('counts as maybe applied when the way was %s', async (failure) => {
    const { cluster: fake, node, mine } = cluster();
    node.failure = gone(failure);
    const doubtful = mine.map(() =>
      expect.objectContaining({ code: 'node_unavailable', maybeApplied: true }),
    );
    expect(await fake.router.set(setItems(mine))).toEqual(doubtful);
    expect(await fake.router.delete(deletions(mine))).toEqual(doubtful);
  });

  it('surely did nothing when there was no connection', async () => {
    const { cluster: fake, node, mine } = cluster();
    node.failure = gone('unconnected');
    const outcomes = [
      ...(await fake.router.set(setItems(mine))),
      ...(await fake.router.delete(deletions(mine))),
    ];
    expect(outcomes.filter((outcome) => 'maybeApplied' in outcome)).toEqual([]);
  });

  it.each(['unconnected', 'broken', 'timeout'] as const)('is not tried again (%s)', async (failure) => {
    const { cluster: fake, node, mine } = cluster();
    node.nextFailures.push(gone(failure));
    await fake.router.set(setItems(mine));
    node.nextFailures.push(gone(failure));
    await fake.router.delete(deletions(mine));
    expect(node.requests).toEqual(['set 3', 'delete 3']);
  });
});

describe('a read', () => {
  it('is tried again when the connection broke, and has the answer of the second time', async () => {
    const { cluster: fake, node, mine } = cluster();
    await fake.router.set(setItems(mine));
    node.nextFailures.push(gone('broken'));
    expect(await fake.router.query(mine)).toEqual(mine.map(() => ({ ok: true, present: true })));
    node.nextFailures.push(gone('broken'));
    expect(await fake.router.fetch(mine)).toEqual(
      mine.map(() => ({ ok: true, entry: { value, version: 1 } })),
    );
  });

  it('is tried only once more', async () => {
    const { cluster: fake, node, mine } = cluster();
    node.failure = gone('broken');
    const outcomes = await fake.router.fetch(mine);
    expect(outcomes).toEqual(mine.map(() => expect.objectContaining({ code: 'node_unavailable' })));
    expect(outcomes.filter((outcome) => 'maybeApplied' in outcome)).toEqual([]);
    expect(node.requests).toEqual(['fetch 3', 'fetch 3']);
  });

  it.each(['unconnected', 'timeout'] as const)('is not tried again after %s', async (failure) => {
    const { cluster: fake, node, mine } = cluster();
    node.nextFailures.push(gone(failure));
    await fake.router.query(mine);
    expect(node.requests).toEqual(['query 3']);
  });
});

describe('a node that is a proxy', () => {
  it('did nothing: items and scans that need it fail with loop_detected, and others go on', async () => {
    const { cluster: fake, away, node, mine, others } = cluster();
    node.failure = gone('loop');
    const failure = { ok: false, code: 'loop_detected', message: `${away}: gone` };
    const failures = mine.map(() => failure);
    expect(await fake.router.set(setItems(mine))).toEqual(failures);
    expect(await fake.router.delete(deletions(mine))).toEqual(failures);
    expect(await fake.router.fetch(mine)).toEqual(failures);
    expect(await fake.router.query(mine)).toEqual(failures);
    expect(node.requests).toHaveLength(4);
    expect(await fake.router.query(others)).toEqual(others.map(() => ({ ok: true, present: false })));
    const code = { code: 'loop_detected', message: expect.stringContaining(away) };
    await expect(fake.router.scan({ meta: false, partial: false })).rejects.toMatchObject(code);
    const { missingNodes, close } = await fake.router.scan({ meta: false, partial: true });
    close?.();
    expect(missingNodes).toEqual([away]);
  });
});

describe('a defect of a transport', () => {
  const defect = new TypeError('a defect');

  it('is no outcome: it comes out of every operation as it is', async () => {
    const { cluster: fake, node, mine } = cluster();
    node.failure = defect;
    await expect(fake.router.set(setItems(mine))).rejects.toBe(defect);
    await expect(fake.router.delete(deletions(mine))).rejects.toBe(defect);
    await expect(fake.router.fetch(mine)).rejects.toBe(defect);
    await expect(fake.router.query(mine)).rejects.toBe(defect);
    await expect(fake.router.scan({ meta: false, partial: true })).rejects.toBe(defect);
    await expect(fake.router.cluster()).rejects.toBe(defect);
  });

  it('is not hidden by nodes that are away when asked whether any node can be reached', async () => {
    const { cluster: fake, node } = cluster();
    for (const other of fake.all()) other.failure = gone('unconnected');
    node.failure = defect;
    await expect(fake.router.isReachable()).rejects.toBe(defect);
  });

  it('shows at once when the ring names a node that the router was not given', () => {
    const make = () =>
      new Router(new FixedNodes(['known:1'], new HashRing(['other:1'])), () => new FakeNode());
    expect(make).toThrow(new TypeError('the table names other:1, which is none of its nodes'));
  });
});

describe('the cluster as the router sees it', () => {
  it('lists every node with its partitions, and its engine and pairs when it answers', async () => {
    const { cluster: fake, away, node, others } = cluster();
    await fake.router.set(setItems(others));
    node.failure = gone('timeout');
    const { partitions, nodes } = await fake.router.cluster();
    expect(partitions).toBe(4096);
    expect(nodes).toEqual(
      fake.addresses.map((address) => {
        const owned = fake.partitionsOf(address).length;
        if (address === away)
          return { node: away, state: 'down', partitions: owned, keys: null, reason: 'gone' };
        const keys = fake.node(address).pairs.size;
        return { node: address, state: 'up', partitions: owned, keys, engine: 'fake' };
      }),
    );
    expect(nodes.reduce((sum, { keys }) => sum + (keys ?? 0), 0)).toBe(others.length);
  });

  it('is reachable as long as one node answers, and not when none does', async () => {
    const fake = new FakeCluster(2);
    const [first, second] = fake.all();
    if (first) first.failure = gone('unconnected');
    expect(await fake.router.isReachable()).toBe(true);
    if (second) second.failure = gone('timeout');
    expect(await fake.router.isReachable()).toBe(false);
  });

  it('is reachable at once when one node answers and another never does', async () => {
    const silent = new FakeNode();
    silent.stats = () => new Promise(() => undefined);
    const router = new Router(new FixedNodes(['silent:1', 'well:1']), (address) =>
      address === 'silent:1' ? silent : new FakeNode(),
    );
    expect(await router.isReachable()).toBe(true);
  });

  it('shows a node as down that does not answer within a second', async () => {
    const silent = new FakeNode();
    silent.stats = () => new Promise(() => undefined);
    const after = (_: number, task: () => void) => {
      task();
      return () => undefined;
    };
    const router = new Router(new FixedNodes(['silent:1']), () => silent, {
      timers: { nowMs: () => 0, after },
    });
    expect((await router.cluster()).nodes).toMatchObject([
      { state: 'down', keys: null, reason: 'the node does not answer within 1000 ms' },
    ]);
  });

  it('lets go of every node when it is closed', () => {
    const fake = new FakeCluster(3);
    fake.router.close();
    expect(fake.all().map(({ closed }) => closed)).toEqual([true, true, true]);
  });
});
