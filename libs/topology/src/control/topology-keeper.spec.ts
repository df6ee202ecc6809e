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
  bootId: boot('a'),
  isDurable: false,
  starts: 1,
  state: 'active',
};
const named = { clusterId: 'c', revision: 3 };
const raise = (topology: Topology) => ({ ...topology, versionCeiling: topology.versionCeiling + 1 });

it.each([
  ['read', 1, (keeper: TopologyKeeper) => keeper.read()],
  ['change', 2, (keeper: TopologyKeeper) => keeper.change(raise)],
])(
  'a %s may miss a revision that a node names meanwhile, and a later read may not',
  async (_, revision, call) => {
    const store = new SlowStore();
    const keeper = new TopologyKeeper(store);
    await keeper.create({ ...newTopology(settings), nodes: [node] });
    store.isSlow = true;
    const answer = call(keeper);
    await Promise.resolve();
    await keeper.heed(named, node.bootId);
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
