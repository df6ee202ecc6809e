import { newTopology, raiseVersionCeiling, type Topology, type TopologyStore } from '../index.js';

/** A store under test, and how to lose and find it again. */
export interface TopologyStoreFixture {
  readonly store: TopologyStore;
  /** Opens the same store again after `store.close()`; undefined for a store that keeps nothing. */
  readonly reopen?: () => Promise<TopologyStore>;
  readonly cleanUp: () => Promise<void>;
}

const first = newTopology({ clusterId: 'c', copies: 2, minInSync: 1 });
const next = (topology: Topology) => raiseVersionCeiling(topology, topology.versionCeiling + 1);

/** The suite that every {@link TopologyStore} passes. */
export function describeTopologyStore(name: string, create: () => Promise<TopologyStoreFixture>): void {
  describe(name, () => {
    let fixture: TopologyStoreFixture;
    let store: TopologyStore;
    beforeEach(async () => {
      fixture = await create();
      store = fixture.store;
    });
    afterEach(async () => {
      await store.close();
      await fixture.cleanUp();
    });

    it('has nothing at first', async () => {
      expect(await store.read()).toBeUndefined();
    });

    it('reads what was written last', async () => {
      expect(await store.replace(first)).toBe(true);
      expect(await store.read()).toEqual(first);
      expect(await store.replace(next(first))).toBe(true);
      expect(await store.read()).toEqual(next(first));
    });

    it('refuses a document that does not follow the present one, and keeps that', async () => {
      expect(await store.replace(next(first))).toBe(false);
      expect(await store.read()).toBeUndefined();
      await store.replace(first);
      expect(await store.replace(first)).toBe(false);
      expect(await store.replace(next(next(first)))).toBe(false);
      expect(await store.read()).toEqual(first);
    });

    it('lets one of several changes at once win', async () => {
      await store.replace(first);
      const wins = await Promise.all(Array.from({ length: 8 }, () => store.replace(next(first))));
      expect(wins.filter(Boolean)).toHaveLength(1);
      expect(await store.read()).toEqual(next(first));
    });

    it('tells watchers of a change, until they have enough', async () => {
      let endWatch = (): void => undefined;
      const changed = new Promise<void>((resolve) => (endWatch = store.watch(resolve)));
      await store.replace(first);
      await changed;
      endWatch();
      let calls = 0;
      store.watch(() => calls++)();
      const seen = new Promise<void>((resolve) => store.watch(resolve));
      await store.replace(next(first));
      await seen;
      expect(calls).toBe(0);
    });

    it('lets a process lead, and again', async () => {
      expect(await store.claimLead('one')).toBe('one');
      expect(await store.claimLead('one')).toBe('one');
    });

    it('is unavailable when it is closed', async () => {
      await store.close();
      const unavailable = { name: 'TopologyError', code: 'store_unavailable' };
      await expect(store.read()).rejects.toMatchObject(unavailable);
      await expect(store.replace(first)).rejects.toMatchObject(unavailable);
      await expect(store.claimLead('one')).rejects.toMatchObject(unavailable);
    });

    it('has what was acknowledged when it is opened again, if it keeps anything', async () => {
      await store.replace(first);
      if (fixture.reopen === undefined) return expect(await store.read()).toEqual(first);
      await store.close();
      store = await fixture.reopen();
      expect(await store.read()).toEqual(first);
      expect(await store.replace(next(first))).toBe(true);
    });
  });
}
