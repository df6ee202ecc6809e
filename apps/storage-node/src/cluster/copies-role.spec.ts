import { jest } from '@jest/globals';
import { KvStore, MemoryEngine } from '@kvs/kv-store';
import { ManualTime } from '@kvs/protocol/testing';
import { applyRequests, newTopology, registerNode, type EntryChange, type Topology } from '@kvs/topology';
import { boot } from '@kvs/topology/testing';
import { StoreOperations } from '../store-operations.js';
import type { ClusterRole } from './cluster-role.js';
import { candidateWithCopies } from './copies-role.js';
import { NodeClock } from './node-clock.js';

const COPY = boot('copy');

let time: ManualTime;
let role: ClusterRole;
let joined: Topology;

/** Joins a cluster in which the node serves 400 partitions, and a process that it has no link to has copies of them. */
beforeEach(async () => {
  time = new ManualTime();
  const clock = new NodeClock(true);
  const engine = new MemoryEngine({ clock });
  const store = new KvStore(engine, clock);
  const ignore = (): void => undefined;
  const candidate = candidateWithCopies(engine, engine.replication, {
    store,
    clock,
    nowMs: () => time.nowMs(),
    alone: new StoreOperations(store),
    use: ignore,
    log: { info: ignore, warn: ignore, error: ignore },
    onUnreachable: ignore,
  });
  const { sharedStore, ...identity } = await candidate.identify();
  const own = { ...identity, id: 'own', address: 'own:1', zone: '', weight: 1 };
  const empty = newTopology({ clusterId: 'c', copies: 2, minInSync: 1 });
  const start = { kind: 'start', primary: candidate.bootId, instead: undefined, copies: [COPY] } as const;
  joined = changed(registerNode(empty, own, sharedStore), 400, start);
  role = candidate.join(
    { topology: joined, timeMs: 0 },
    { readTopology: () => Promise.reject(new Error()), askForChanges: () => Promise.reject(new Error()) },
  );
});
afterEach(() => role.close());

/** Changes the entries of the first partitions. */
function changed(topology: Topology, count: number, change: EntryChange): Topology {
  const requests = topology.partitions
    .slice(0, count)
    .map(({ epoch }, partition) => ({ partition, epoch, change }));
  return applyRequests(topology, requests);
}

it('hands at most 128 partitions over at once, apart from those that take longer than usual', () => {
  const { copies } = role;
  if (copies === undefined) throw new TypeError('the node has copies');
  const inFlight = new Set<number>();
  const handOver = jest.spyOn(copies.replica, 'handOver').mockImplementation((moves, most) => {
    const idle = [...moves].map(([partition]) => partition).filter((partition) => !inFlight.has(partition));
    const begun = idle.slice(0, most);
    for (const partition of begun) inFlight.add(partition);
    return begun;
  });
  /** Returns how many more partitions may be handed over. */
  const more = () => {
    role.handOverAll();
    return handOver.mock.lastCall?.[1];
  };
  expect([more(), more()]).toEqual([128, 0]);
  role.learn({
    topology: changed(joined, 50, { kind: 'promote', copy: COPY, instead: role.bootId }),
    timeMs: 0,
  });
  expect([more(), more()]).toEqual([50, 0]);
  time.advanceMs(500);
  expect(more()).toBe(0);
  time.advanceMs(1);
  expect(more()).toBe(128);
});
