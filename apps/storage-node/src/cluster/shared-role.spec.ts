import { KvStore, MemoryEngine, systemClock } from '@kvs/kv-store';
import {
  applyRequests,
  newTopology,
  registerNode,
  updateNode,
  type BootId,
  type ReportAnswer,
  type Topology,
} from '@kvs/topology';
import { boot } from '@kvs/topology/testing';
import { StoreOperations } from '../store-operations.js';
import type { Candidate, ClusterRole } from './cluster-role.js';
import { NodeClock } from './node-clock.js';
import { candidateWithSharedStore } from './shared-role.js';

const TIME_MS = 5_000_000;
const ANSWER: ReportAnswer = {
  revision: 1,
  timeMs: TIME_MS,
  leader: undefined,
  transferBytesPerSecond: undefined,
  orders: [],
  leaving: [],
};

let clock: NodeClock;
let storeId: string | undefined;
let isStoreAway: boolean;
let candidate: Candidate;

beforeEach(() => {
  clock = new NodeClock(true);
  [storeId, isStoreAway] = [undefined, false];
  const store = new KvStore(new MemoryEngine({ clock: systemClock }), systemClock);
  const ignore = (): void => undefined;
  candidate = candidateWithSharedStore(
    async (proposed) => {
      if (isStoreAway) throw new Error('the store is away');
      return (storeId ??= proposed);
    },
    {
      store,
      clock,
      nowMs: () => 0,
      alone: new StoreOperations(store),
      use: ignore,
      log: { info: ignore, warn: ignore, error: ignore },
      onUnreachable: ignore,
    },
  );
});

/** Returns a topology in which the candidate and another node are registered, and the candidate serves partition 5. */
async function topologyWithBoth(): Promise<Topology> {
  const { sharedStore, ...identity } = await candidate.identify();
  const own = { ...identity, id: 'own', address: 'own:1', zone: '', weight: 1 };
  const other = { ...own, bootId: boot('other'), id: 'other', address: 'other:1' };
  const empty = newTopology({ clusterId: 'c', copies: 2, minInSync: 1 });
  const both = registerNode(registerNode(empty, own, sharedStore), other, sharedStore);
  return served(both, own.bootId, undefined);
}

function served(topology: Topology, primary: BootId, instead: BootId | undefined): Topology {
  const epoch = topology.partitions[5]?.epoch ?? 0;
  const change = { kind: 'start' as const, primary, instead, copies: [] };
  return applyRequests(topology, [{ partition: 5, epoch, change }]);
}

function join(topology: Topology): ClusterRole {
  return candidate.join(
    { topology, timeMs: TIME_MS },
    { readTopology: () => Promise.reject(new Error()), askForChanges: () => Promise.reject(new Error()) },
  );
}

describe('a node with a shared store', () => {
  it('joins with the id of the store, which it proposes if there is none', async () => {
    const { sharedStore } = await candidate.identify();
    expect([storeId, (await candidate.identify()).sharedStore]).toEqual([sharedStore, sharedStore]);
    isStoreAway = true;
    await expect(candidate.identify()).rejects.toThrow('the store is away');
  });

  it('gives the store its id again after it was emptied, and reports also while it is away', async () => {
    const role = join(await topologyWithBoth());
    const before = storeId;
    storeId = undefined;
    expect(await role.report(false)).toMatchObject({ bootId: candidate.bootId, isEnding: false, held: [] });
    expect(storeId).toBe(before);
    isStoreAway = true;
    expect(await role.report(true)).toMatchObject({ isEnding: true });
  });

  it('takes the time of the cluster for its own', async () => {
    const topology = await topologyWithBoth();
    const role = join(topology);
    expect(clock.cluster.nowMs()).toBeGreaterThanOrEqual(TIME_MS);
    role.obey({ ...ANSWER, timeMs: TIME_MS + 60_000 });
    expect((await role.report(false)).timeMs).toBeGreaterThanOrEqual(TIME_MS + 60_000);
  });

  it('reports its end when it leaves, and waits until the other node has its partitions', async () => {
    const topology = await topologyWithBoth();
    const role = join(topology);
    role.leave();
    expect(role.handOverAll()).toBe(1);
    expect(await role.report(false)).toMatchObject({ isEnding: true });
    role.learn({ topology: served(topology, boot('other'), candidate.bootId), timeMs: TIME_MS });
    expect(role.handOverAll()).toBe(0);
    role.learn({ topology, timeMs: TIME_MS }); // late
    expect(role.handOverAll()).toBe(0);
  });

  it('waits until a draining node has its partitions, if that is the only other one', async () => {
    const topology = updateNode(await topologyWithBoth(), 'other', { state: 'draining' });
    expect(join(topology).handOverAll()).toBe(1);
  });

  it('waits for nobody when it leaves and all other nodes end too', async () => {
    const role = join(await topologyWithBoth());
    role.obey({ ...ANSWER, leaving: [candidate.bootId, boot('other')] });
    expect(role.handOverAll()).toBe(0);
  });
});
