import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { jest } from '@jest/globals';
import { until } from '@kvs/protocol/testing';
import { newTopology, raiseVersionCeiling, type Topology } from '@kvs/topology';
import { describeTopologyStore } from '@kvs/topology/testing';
import { EtcdGateway } from './etcd-gateway.js';
import { RETRY_MS } from './etcd-topology-store.js';
import { EtcdTopologyStore, type EtcdUser } from './index.js';
import { EtcdProcess, hasEtcd } from './testing/etcd-process.js';
import { FakeGateway } from './testing/fake-gateway.js';

const first = newTopology({ clusterId: 'c', copies: 2, minInSync: 1 });
const next = (topology: Topology) => raiseVersionCeiling(topology, topology.versionCeiling + 1);

/** Counts the calls of a watch. */
class Watcher {
  calls = 0;
  #tell: () => void = () => undefined;

  readonly onChange = (): void => {
    this.calls++;
    this.#tell();
  };

  /** Resolves at the next call. */
  next(): Promise<void> {
    return new Promise((resolve) => (this.#tell = resolve));
  }
}

describeTopologyStore('the topology in a gateway like that of etcd', async () => {
  const gateway = await FakeGateway.start();
  const open = () => new EtcdTopologyStore({ endpoints: [gateway.url], prefix: 'kvs' });
  return { store: open(), reopen: async () => open(), cleanUp: () => gateway.stop() };
});

// Without etcd these tests are skipped. CI requires it.
const withEtcd = hasEtcd() || process.env['KVS_REQUIRE_TOOLS'] === '1';
(withEtcd ? describe : describe.skip)(
  `with etcd${withEtcd ? '' : ' (skipped: it is not on the PATH)'}`,
  () => {
    let etcd: EtcdProcess;
    beforeAll(async () => {
      etcd = await EtcdProcess.start();
    });
    afterAll(() => etcd.stop());

    describeTopologyStore('the topology', async () => {
      const options = { endpoints: [etcd.url], prefix: randomUUID() };
      const reopen = async () => new EtcdTopologyStore(options);
      return { store: new EtcdTopologyStore(options), reopen, cleanUp: async () => undefined };
    });

    it('a user with a password keeps the topology of an etcd with authentication', async () => {
      const own = await EtcdProcess.start();
      try {
        const user = { name: 'root', password: 'p@ss' };
        const post = async (path: string, body: object) => {
          const answer = await fetch(`${own.url}/v3/auth/${path}`, {
            method: 'POST',
            body: JSON.stringify(body),
          });
          expect([path, answer.status]).toEqual([path, 200]);
        };
        await post('user/add', user);
        await post('user/grant', { user: 'root', role: 'root' });
        await post('enable', {});
        const options = { endpoints: [own.url], prefix: 'kvs' };
        const store = new EtcdTopologyStore({ ...options, user });
        expect([await store.replace(first), await store.claimLead('one')]).toEqual([true, 'one']);
        await store.close();
        const stranger = new EtcdTopologyStore(options);
        await expect(stranger.read()).rejects.toMatchObject({ code: 'store_unavailable' });
        await stranger.close();
      } finally {
        await own.stop();
      }
    });

    it('one proxy leads until it leaves, and then another one', async () => {
      const options = { endpoints: [etcd.url], prefix: randomUUID() };
      const [one, two] = [new EtcdTopologyStore(options), new EtcdTopologyStore(options)];
      expect([await one.claimLead('one'), await two.claimLead('two')]).toEqual(['one', 'one']);
      expect([await two.claimLead('two'), await one.claimLead('one')]).toEqual(['one', 'one']);
      expect([await two.claimLead('two', 'three'), await two.claimLead('two', 'one')]).toEqual([
        'one',
        'two',
      ]);
      expect([await one.claimLead('one'), await one.claimLead('one', 'two')]).toEqual(['two', 'one']);
      await one.resignLead();
      expect([await two.claimLead('two'), await one.claimLead('one')]).toEqual(['two', 'two']);
      await two.close();
      expect(await one.claimLead('one')).toBe('one');
      await one.close();
    });
  },
);

describe('a store in etcd', () => {
  let gateway: FakeGateway;
  let store: EtcdTopologyStore;
  const open = (...more: string[]) =>
    new EtcdTopologyStore({ endpoints: [...more, gateway.url], prefix: 'kvs', timeoutMs: 1000 });
  beforeEach(async () => {
    gateway = await FakeGateway.start();
    store = open();
  });
  afterEach(async () => {
    await store.close();
    await gateway.stop();
  });

  it('is unavailable while no server answers', async () => {
    gateway.failures.set('/v3/kv/range', 'refuse');
    await expect(store.read()).rejects.toMatchObject({ code: 'store_unavailable' });
    gateway.failures.clear();
    expect(await store.read()).toBeUndefined();
  });

  it('asks another server if one does not answer', async () => {
    const other = open('http://127.0.0.1:1');
    expect(await other.read()).toBeUndefined();
    expect(await other.replace(first)).toBe(true);
    await other.close();
  });

  it('asks the next server if several requests fail together', async () => {
    const other = open('http://127.0.0.1:1');
    expect(await Promise.all([other.read(), other.read(), other.read()])).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    await other.close();
  });

  it('may have made a change whose answer was lost', async () => {
    await store.replace(first);
    gateway.failures.set('/v3/kv/txn', 'lose');
    await expect(store.replace(next(first))).rejects.toMatchObject({ code: 'store_unavailable' });
    gateway.failures.clear();
    expect(await store.read()).toEqual(next(first));
  });

  describe('with a second server', () => {
    let second: FakeGateway;
    let other: EtcdTopologyStore;
    beforeEach(async () => {
      await store.replace(first);
      second = await FakeGateway.start(gateway);
      other = open(second.url);
      await other.read();
    });
    afterEach(async () => {
      await other.close();
      await second.stop();
    });

    it('asks it for a change if the first one hangs for half of the time', async () => {
      second.failures.set('/v3/kv/txn', 'hang');
      const timers = jest.spyOn(globalThis, 'setTimeout');
      const limits = () => timers.mock.calls.map(([, ms]) => ms).filter((ms) => ms === 500 || ms === 1000);
      expect(await other.replace(next(first))).toBe(true);
      expect(limits()).toEqual([500, 1000]);
      timers.mockRestore();
      expect(await store.read()).toEqual(next(first));
    });

    it('says that it has another revision if a server made the change and did not answer', async () => {
      second.failures.set('/v3/kv/txn', 'lose');
      expect(await other.replace(next(first))).toBe(false);
      expect(await other.read()).toEqual(next(first));
    });

    it('asks it to let a process lead only with the next claim', async () => {
      second.failures.set('/v3/lease/grant', 'lose');
      await expect(other.claimLead('one')).rejects.toMatchObject({ code: 'store_unavailable' });
      expect(await other.claimLead('one')).toBe('one');
    });
  });

  it('reads the value only after a change of another proxy', async () => {
    const other = open();
    await store.replace(first);
    expect([await store.read(), await store.read(), gateway.sentValues]).toEqual([first, first, 0]);
    expect(await other.replace(next(first))).toBe(true);
    const before = gateway.sentValues;
    expect([await store.read(), await store.read()]).toEqual([next(first), next(first)]);
    expect(gateway.sentValues - before).toBe(1);
    await other.close();
  });

  it('never replaces a document that it has not seen', async () => {
    await store.replace(first);
    const other = open();
    expect(await other.replace(next(first))).toBe(true);
    expect(await store.replace({ ...next(first), versionCeiling: 9 })).toBe(false);
    expect(await store.read()).toEqual(next(first));
    await other.close();
  });

  it('gets a new token if etcd has forgotten the last one', async () => {
    gateway.user = { name: 'kvs', password: 'p@ss' };
    const withUser = (user: EtcdUser | undefined) =>
      new EtcdTopologyStore({ endpoints: [gateway.url], prefix: 'kvs', user, timeoutMs: 60_000 });
    const own = withUser(gateway.user);
    expect(await own.replace(first)).toBe(true);
    gateway.forgetTokens();
    expect(await own.replace(next(first))).toBe(true);
    await own.close();
    const refused = { code: 'store_unavailable', message: expect.stringMatching(/status 40[01]/) };
    for (const other of [withUser(undefined), withUser({ name: 'kvs', password: 'wrong' })])
      await expect(other.read()).rejects.toMatchObject(refused);
  });

  it('goes on to watch after a stream has broken', async () => {
    let calls = 0;
    const told = () => new Promise<void>((resolve) => store.watch(() => void (calls++, resolve())));
    await told();
    const again = told();
    gateway.breakWatches();
    await again;
    expect(calls).toBeGreaterThan(1);
  });

  it('watches at the server that requests go to, although the stream of the last one is still open', async () => {
    const hanging = await FakeGateway.start();
    const other = open(hanging.url);
    const watcher = new Watcher();
    const begun = watcher.next();
    other.watch(watcher.onChange);
    await begun;
    hanging.failures.set('/v3/kv/range', 'refuse');
    const again = watcher.next();
    await other.read();
    await again;
    const changed = watcher.next();
    await store.replace(first);
    await changed;
    expect(watcher.calls).toBe(3);
    await other.close();
    await hanging.stop();
  });

  it('watches anew after a request has failed, because the stream may be dead too, also with a single server', async () => {
    const watcher = new Watcher();
    const begun = watcher.next();
    store.watch(watcher.onChange);
    await begun;
    gateway.failures.set('/v3/kv/range', 'refuse');
    const again = watcher.next();
    await expect(store.read()).rejects.toMatchObject({ code: 'store_unavailable' });
    await again;
    expect(watcher.calls).toBe(2);
  });

  it('has one stream, although somebody begins to listen between a broken one and the next', async () => {
    const streams = jest.spyOn(EtcdGateway.prototype, 'follow');
    const begun = new Promise<void>((resolve) => store.watch(resolve));
    await begun;
    const timers = jest.spyOn(globalThis, 'setTimeout');
    const retry = () => timers.mock.calls.find(([, delayMs]) => delayMs === RETRY_MS)?.[0];
    gateway.breakWatches();
    await until(() => retry() !== undefined);
    store.watch(() => undefined);
    retry()?.();
    timers.mockRestore();
    expect(streams).toHaveBeenCalledTimes(2);
    streams.mockRestore();
  });

  it('tells of a change once, although a large event comes in parts', async () => {
    const watcher = new Watcher();
    const begun = watcher.next();
    store.watch(watcher.onChange);
    await begun;
    const changed = watcher.next();
    gateway.sendEvent('a'.repeat(1_000_000));
    await changed;
    for (let i = 0; i < 3; i++) await store.read();
    expect(watcher.calls).toBe(2);
  });

  it('claims to lead again after its lease has ended', async () => {
    const other = open();
    await store.claimLead('one');
    gateway.endLeases();
    expect(await other.claimLead('two')).toBe('two');
    expect(await store.claimLead('one')).toBe('two');
    await other.close();
    expect(await store.claimLead('one')).toBe('one');
  });

  it('does not lead if etcd refused the claim, whatever else it answers', async () => {
    const ask = jest.spyOn(EtcdGateway.prototype, 'askOne');
    ask.mockResolvedValueOnce({ ID: '1' }).mockResolvedValueOnce({});
    await expect(store.claimLead('one')).rejects.toMatchObject({ code: 'store_unavailable' });
    ask.mockRestore();
  });

  it('names the key of a document that it cannot read', async () => {
    await store.replace({ ...first, clusterId: '' });
    const other = open();
    await expect(other.read()).rejects.toMatchObject({
      code: 'invalid_topology',
      status: 503,
      message: expect.stringContaining('the key kvs/topology of etcd has no topology'),
    });
    await other.close();
  });

  it('does not read an answer without end', async () => {
    const server = createServer((_, response) => void response.end(`{"kvs":"${'x'.repeat(9 * 2 ** 20)}"}`));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const endpoints = [`http://127.0.0.1:${port}`];
    const other = new EtcdTopologyStore({ endpoints, prefix: 'kvs', timeoutMs: 60_000 });
    const message = expect.stringContaining('the answer is too large');
    await expect(other.read()).rejects.toMatchObject({ code: 'store_unavailable', message });
    await other.close();
    server.close();
  });

  it('refuses a document that is too large for etcd', async () => {
    const large = { ...first, clusterId: 'c'.repeat(1_500_000) };
    await expect(store.replace(large)).rejects.toMatchObject({ code: 'store_unavailable' });
  });
});
