import { KvsError } from '@kvs/protocol';
import { LocalTopologyStore, newTopology, type Topology, type TopologyNode } from '../index.js';
import { boot } from '../testing/planned-cluster.js';
import { TopologyKeeper } from './topology-keeper.js';

/** Answers a call only when a test releases it, with what the store had when the call came. */
class SlowStore extends LocalTopologyStore {
  isSlow = false;
  release: () => void = () => undefined;

  override async read(): Promise<Topology | undefined> {
    return this.#later(await super.read());
  }

  override async replace(next: Topology): Promise<boolean> {
    return this.#later(await super.replace(next));
  }

  #later<T>(answer: T): Promise<T> | T {
    return this.isSlow ? new Promise((resolve) => (this.release = () => resolve(answer))) : answer;
  }
}

const settings = { clusterId: 'c', copies: 1, minInSync: 1 };
const node: TopologyNode = {
  id: 'a',
  address: 'a:1',
  zone: '',
  weight: 1,
  bootId: boot('a 1'),
  isDurable: false,
  starts: 1,
  state: 'active',
};
let nowMs = 0;
const timers = { nowMs: () => nowMs };
const named = { clusterId: 'c', revision: 3 };
const raise = (topology: Topology) => ({ ...topology, versionCeiling: topology.versionCeiling + 1 });

it.each([
  ['read', 1, (keeper: TopologyKeeper) => keeper.read()],
  ['change', 2, (keeper: TopologyKeeper) => keeper.change(raise)],
])(
  'a %s may miss a revision that a node names meanwhile, and a later read may not',
  async (_, revision, call) => {
    const store = new SlowStore();
    const keeper = new TopologyKeeper(store, timers);
    await keeper.create({ ...newTopology(settings), nodes: [node] });
    store.isSlow = true;
    const answer = call(keeper);
    await Promise.resolve();
    await keeper.checkSender(named, node.bootId);
    await new Promise(setImmediate);
    store.release();
    expect(await answer).toMatchObject({ revision });
    store.isSlow = false;
    await expect(keeper.read()).rejects.toMatchObject({
      code: 'outdated_store',
      message: `the store has revision ${revision} of the topology, but revision 3 exists; it has lost changes`,
    });
  },
);

describe('a revision to come that somebody names with the id of a node', () => {
  const other: TopologyNode = { ...node, id: 'b', address: 'b:1', bootId: boot('b 1') };
  let keeper: TopologyKeeper;
  const codeOfRead = () =>
    keeper.read().then(
      () => 'read',
      (error: unknown) => (error instanceof KvsError ? error.code : error),
    );

  beforeEach(async () => {
    keeper = new TopologyKeeper(new LocalTopologyStore(), timers);
    await keeper.create({ ...newTopology(settings), nodes: [node, other] });
    await keeper.checkSender({ clusterId: 'c', revision: 1000 }, node.id);
    expect(await codeOfRead()).toBe('outdated_store');
  });

  it('lets nothing be changed in a store that is behind', async () => {
    await expect(keeper.change(raise)).rejects.toMatchObject({ code: 'outdated_store' });
    nowMs += 600_001;
    expect(await keeper.read()).toMatchObject({ revision: 1 });
  });

  it('counts until the node names another one', async () => {
    await keeper.checkSender({ clusterId: 'c', revision: 1 }, other.bootId);
    expect(await codeOfRead()).toBe('outdated_store');
    await keeper.checkSender({ clusterId: 'c', revision: 1 }, node.bootId);
    expect(await codeOfRead()).toBe('read');
    expect(await keeper.change(raise)).toMatchObject({ revision: 2 });
  });

  it('is ignored if it is too far ahead, and renews no earlier one', async () => {
    await keeper.checkSender({ clusterId: 'c', revision: Number.MAX_SAFE_INTEGER }, node.id);
    nowMs += 600_001;
    expect(await codeOfRead()).toBe('read');
    await keeper.checkSender({ clusterId: 'c', revision: Number.MAX_SAFE_INTEGER }, node.id);
    expect(await codeOfRead()).toBe('read');
  });

  it('counts for ten minutes', async () => {
    nowMs += 600_000;
    expect(await codeOfRead()).toBe('outdated_store');
    nowMs += 1;
    expect(await codeOfRead()).toBe('read');
  });
});

describe('a store', () => {
  let store: LocalTopologyStore;
  let keeper: TopologyKeeper;
  beforeEach(() => {
    store = new LocalTopologyStore();
    keeper = new TopologyKeeper(store, timers);
  });

  it('without a topology is not there yet, and has lost it if there was one', async () => {
    await expect(keeper.read()).rejects.toMatchObject({ code: 'store_unavailable' });
    await keeper.create(newTopology(settings));
    store.read = () => Promise.resolve(undefined);
    await expect(keeper.read()).rejects.toMatchObject({ code: 'outdated_store' });
  });

  it('with the topology of another cluster has lost the one that was there', async () => {
    const first = await keeper.create(newTopology(settings));
    store.read = () => Promise.resolve({ ...first, clusterId: 'other', revision: 9 });
    await expect(keeper.read()).rejects.toMatchObject({ code: 'outdated_store' });
    expect(keeper.current).toEqual(first);
  });

  it('that is behind a stranger fails the request of that one only', async () => {
    await keeper.create(newTopology(settings));
    await expect(keeper.checkSender(named, 'stranger')).rejects.toMatchObject({ code: 'outdated_store' });
    expect(await keeper.change(raise)).toMatchObject({ revision: 2 });
  });
});
