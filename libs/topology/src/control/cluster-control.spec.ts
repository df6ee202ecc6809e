import { readFileSync } from 'node:fs';
import { jest } from '@jest/globals';
import { KvsError } from '@kvs/protocol';
import { fieldsOf } from '@kvs/protocol/testing';
import {
  ClusterControl,
  LocalTopologyStore,
  raiseVersionCeiling,
  type BootId,
  type ClusterControlSettings,
  type EntryChange,
  type NodeReport,
  type PartitionEntry,
  type PromotionQuestion,
  type Topology,
  type TopologyStore,
} from '../index.js';
import { boot, reportOf } from '../testing/planned-cluster.js';

const settings: ClusterControlSettings = {
  cluster: { clusterId: 'c', copies: 2, minInSync: 1 },
  url: 'http://one',
  transferBytesPerSecond: 1000,
  maxNewsRequests: 100,
  replaceAfterMs: 60_000,
  whenLost: 'start',
  expectedNodes: [],
};

/** A proxy whose time passes only when a test says so, and whose nodes do what they are told. */
class TestProxy {
  nowMs = 0;
  readonly log: string[] = [];
  readonly questions: PromotionQuestion[] = [];
  /** Partitions whose new primaries disagree; undefined for nodes that don't answer. */
  disagree: readonly number[] | undefined = [];
  /** Processes that don't answer. */
  readonly silent = new Set<BootId>();
  /** Processes that answer as soon as the promise resolves. */
  readonly slow = new Map<BootId, Promise<void>>();
  readonly control: ClusterControl;
  /** Called before each step of a plan. */
  onStep: (() => void) | undefined;
  readonly #tasks = new Set<{ readonly atMs: number; readonly task: () => void }>();

  constructor(
    readonly store: TopologyStore = new LocalTopologyStore(),
    change: Partial<ClusterControlSettings> = {},
  ) {
    this.control = new ClusterControl(
      { ...settings, ...change },
      {
        store,
        timers: {
          nowMs: () => this.nowMs,
          wallMs: () => 1e12 + this.nowMs,
          after: (delayMs, task) => {
            if (delayMs === 0) this.onStep?.();
            const entry = { atMs: this.nowMs + delayMs, task };
            this.#tasks.add(entry);
            return () => void this.#tasks.delete(entry);
          },
        },
        confirmPromotions: async (_, question) => {
          this.questions.push(question);
          await this.slow.get(question.bootId);
          const { disagree } = this;
          if (disagree === undefined || this.silent.has(question.bootId)) throw new Error('no answer');
          const partitions = question.promotions.map(({ partition }) => partition);
          return { partitions: partitions.filter((partition) => !disagree.includes(partition)) };
        },
        log: {
          info: (details, message) => void this.log.push(`${message} ${JSON.stringify(details)}`),
          warn: (details, message) => void this.log.push(`${message} ${JSON.stringify(details)}`),
        },
      },
    );
  }

  /** How many tasks wait for their time. */
  get taskCount(): number {
    return this.#tasks.size;
  }

  get topology(): Topology {
    const { topology } = this.control;
    if (topology === undefined) throw new Error('no topology yet');
    return topology;
  }

  /** Lets time pass in steps of 100 ms. After each second the nodes report. */
  async pass(
    ms: number,
    reporting: readonly BootId[] = [],
    held: (at: number) => NodeReport['held'] = () => [],
  ): Promise<void> {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs;) {
      this.nowMs += 100;
      if (this.nowMs % 1000 === 0)
        for (const [at, bootId] of reporting.entries()) await this.report(bootId, { held: held(at) });
      await this.#runDue();
    }
  }

  /** Runs the tasks that are due, and those that they add for the same moment. */
  async #runDue(): Promise<void> {
    const due = [...this.#tasks].filter(({ atMs }) => atMs <= this.nowMs);
    for (const entry of due) if (this.#tasks.delete(entry)) entry.task();
    await settlePromises();
    if (due.length > 0) await this.#runDue();
  }

  async join(
    id: string,
    {
      sharedStore,
      ...change
    }: {
      readonly bootId?: BootId;
      readonly isDurable?: boolean;
      readonly address?: string;
      readonly weight?: number;
      readonly sharedStore?: string;
    } = {},
  ): Promise<BootId> {
    const bootId = change.bootId ?? boot(`boot ${id}`);
    const node = { id, address: `127.0.0.1:${id}`, zone: '', weight: 1, isDurable: false, starts: 1, bootId };
    await this.control.join({
      clusterId: undefined,
      revision: 0,
      node: { ...node, ...change },
      sharedStore,
    });
    return bootId;
  }

  async report(bootId: BootId, change: Partial<NodeReport> = {}) {
    const id = this.topology.nodes.find((node) => node.bootId === bootId)?.id ?? 'none';
    const wholeRevision = this.topology.revision;
    return this.control.report(id, reportOf(bootId, { wholeRevision, ...change }));
  }

  /** Three nodes have the partitions, with one copy each, because each partition has pairs at one of them. */
  async assigned(): Promise<BootId[]> {
    await this.control.start();
    const bootIds = await Promise.all(['a', 'b', 'c'].map((id) => this.join(id)));
    const position = { epoch: 0, number: 0 };
    await this.pass(8000, bootIds, (at) =>
      Array.from({ length: 4096 }, (_, partition) => ({ partition, position })).filter(
        ({ partition }) => partition % bootIds.length === at,
      ),
    );
    return bootIds;
  }
}

/** Makes changes, and then does not answer. */
class ForgetfulStore extends LocalTopologyStore {
  isForgetful = false;

  override async replace(next: Topology): Promise<boolean> {
    const isReplaced = await super.replace(next);
    if (this.isForgetful) throw new KvsError('store_unavailable', 'no answer');
    return isReplaced;
  }
}

/** Makes changes, and then says that it has another revision, because it was asked twice. */
class RepeatingStore extends LocalTopologyStore {
  override async replace(next: Topology): Promise<boolean> {
    await super.replace(next);
    return super.replace(next);
  }
}

/** Makes changes only when a test lets it go on. */
class SlowStore extends LocalTopologyStore {
  #held: Promise<void> | undefined;

  /** Holds up changes until the function is called that it returns. */
  holdReplace(): () => void {
    let end = () => {};
    this.#held = new Promise((resolve) => (end = resolve));
    return end;
  }

  replaceAtOnce(next: Topology): Promise<boolean> {
    return super.replace(next);
  }

  override async replace(next: Topology): Promise<boolean> {
    await this.#held;
    return super.replace(next);
  }
}

async function settlePromises(): Promise<void> {
  for (let i = 0; i < 30; i++) await Promise.resolve();
}

let proxy: TestProxy;
beforeEach(() => {
  proxy = new TestProxy();
});
afterEach(async () => {
  proxy.control.stop();
  await proxy.store.close();
});

/** Adds the learner of one partition as its primary would, and returns the request's answer. */
async function addLearner(partition: number, receivedMs = proxy.nowMs): Promise<Topology> {
  const { primary, learner, epoch } = proxy.topology.partitions[partition] ?? {};
  if (primary === undefined || learner === undefined || epoch === undefined) throw new Error('no learner');
  const change = { kind: 'add' as const, by: primary, copy: learner };
  const request = { clusterId: 'c', revision: 0, by: primary, requests: [{ partition, epoch, change }] };
  return (await proxy.control.changeEntries(request, receivedMs)).topology;
}

/** Returns the partitions that are being filled. */
function learners(): number[] {
  return proxy.topology.partitions.flatMap(({ learner }, partition) =>
    learner === undefined ? [] : [partition],
  );
}

/** Adds learners until all partitions have their copies. */
async function fillAll(reporting: readonly BootId[]): Promise<void> {
  for (let rounds = 0; proxy.topology.partitions.some(({ inSync }) => inSync.length < 2); rounds++) {
    if (rounds > 100) throw new Error('the copies are not made');
    await Promise.all(learners().map((partition) => addLearner(partition)));
    await proxy.pass(200, reporting);
  }
}

/** Has the copy in sync of a partition ask to become primary, or the primary hand it over. */
async function promote(
  partition: number,
  asker: 'copy' | 'primary' = 'copy',
  receivedMs = proxy.nowMs,
): Promise<boolean> {
  if (proxy.topology.partitions[partition]?.learner !== undefined) await addLearner(partition);
  const { primary, inSync, epoch } = proxy.topology.partitions[partition] ?? fail();
  const copy = inSync.find((one) => one !== primary) ?? fail();
  const change = { kind: 'promote' as const, copy, instead: primary ?? fail() };
  const by = asker === 'copy' ? copy : change.instead;
  const request = { clusterId: 'c', revision: 0, by, requests: [{ partition, epoch, change }] };
  const { topology } = await proxy.control.changeEntries(request, receivedMs);
  return topology.partitions[partition]?.primary === copy;
}

function fail(): never {
  throw new Error('the partition is not as expected');
}

describe('a new cluster', () => {
  it('assigns its partitions once the nodes have reported, and names learners', async () => {
    await proxy.assigned();
    expect(proxy.topology.partitions.every(({ primary }) => primary !== undefined)).toBe(true);
    expect(learners()).not.toEqual([]);
    expect(proxy.topology.nodes.map(({ state }) => state)).toEqual(['active', 'active', 'active']);
    expect(proxy.topology.versionCeiling).toBeGreaterThan(1e15);
  });

  it('waits for the report of each node in reach, which may have pairs', async () => {
    await proxy.control.start();
    const [a, b] = await Promise.all(['a', 'b', 'c'].map((id) => proxy.join(id)));
    await proxy.pass(2900, [a ?? fail(), b ?? fail()]);
    expect(proxy.topology.partitions.filter(({ primary }) => primary !== undefined)).toEqual([]);
    await proxy.pass(2000, [a ?? fail(), b ?? fail()]);
    expect(proxy.topology.partitions.filter(({ primary }) => primary === undefined)).toEqual([]);
  });

  it('tells operators its state', async () => {
    const [a] = await proxy.assigned();
    await proxy.report(a ?? fail(), {
      failures: [{ partition: 3, copy: boot('boot b'), reason: 'out of memory' }],
    });
    expect(proxy.control.status()).toMatchObject({
      cluster_id: 'c',
      leader: 'http://one',
      nodes: [{ id: 'a', reachable: true, wanted_copies: 2731 }, { id: 'b' }, { id: 'c' }],
      partitions: { unassigned: { count: 0 }, too_few_copies: { count: 4096 }, lost: { count: 0 } },
      moves: { running: learners().length, failures: [{ partition: 3, to: 'b', reason: 'out of memory' }] },
    });
  });

  it('tells its state with the fields that docs/protocol.md names', async () => {
    const [a, ...others] = await proxy.assigned();
    await proxy.report(a ?? fail(), {
      freeBytes: 1,
      failures: [{ partition: 3, copy: boot('boot b'), reason: 'out of memory' }],
    });
    await proxy.pass(6000, others);
    const protocol = readFileSync(new URL('../../../../docs/protocol.md', import.meta.url), 'utf8');
    const [, documented = ''] = /^### The state of a cluster$.*?^```json$(.*?)^```$/ms.exec(protocol) ?? [];
    const ofTopology = fieldsOf(JSON.parse(documented)).filter((field) => /^topology(\.|$)/.test(field));
    expect(fieldsOf({ topology: proxy.control.status() })).toEqual(ofTopology);
  });

  it('gives a node its orders, the time and the rate', async () => {
    const [a] = await proxy.assigned();
    const answer = await proxy.report(a ?? fail(), { timeMs: 2e12 });
    expect(answer).toMatchObject({
      leader: undefined,
      timeMs: 2e12,
      transferBytesPerSecond: 1000,
      orders: [],
      leaving: [],
    });
    expect(answer.revision).toBe(proxy.topology.revision);
  });
});

it('a cluster that waits for a node of the list tells its address, also if a node has joined with another one', async () => {
  proxy = new TestProxy(new LocalTopologyStore(), { expectedNodes: ['127.0.0.1:a', 'localhost:b'] });
  await proxy.control.start();
  const bootIds = await Promise.all(['a', 'b'].map((id) => proxy.join(id)));
  await proxy.pass(20_000, bootIds);
  const { unassigned } = proxy.control.status().partitions;
  expect(unassigned).toMatchObject({ count: 4096, awaited: ['localhost:b'] });
  const told = proxy.log.filter((line) => line.startsWith('the partitions are not assigned until'));
  expect(told).toEqual([expect.stringContaining('localhost:b')]);
});

describe('requests for entries', () => {
  it('are met', async () => {
    await proxy.assigned();
    expect((await addLearner(7)).partitions[7]?.inSync).toHaveLength(2);
  });

  it('that come together make one revision', async () => {
    await proxy.assigned();
    const { revision } = proxy.topology;
    await Promise.all([addLearner(1), addLearner(2), addLearner(3), addLearner(4)]);
    expect(proxy.topology.revision).toBeLessThanOrEqual(revision + 2);
  });

  it('of several kinds are all part of the answer', async () => {
    await proxy.assigned();
    const [added = NaN, promoted = NaN] = learners();
    await addLearner(promoted);
    const { partitions } = proxy.topology;
    const { primary: by = fail(), learner = fail(), epoch } = partitions[added] ?? fail();
    const { primary: instead = fail(), inSync, epoch: promotedEpoch } = partitions[promoted] ?? fail();
    const copy = inSync.find((one) => one !== instead) ?? fail();
    const requests = [
      { partition: added, epoch, change: { kind: 'add' as const, by, copy: learner } },
      { partition: promoted, epoch: promotedEpoch, change: { kind: 'promote' as const, copy, instead } },
    ];
    const { topology } = await proxy.control.changeEntries(
      { clusterId: 'c', revision: 0, by, requests },
      proxy.nowMs,
    );
    expect(topology.partitions[added]?.inSync).toContain(learner);
    expect(topology.partitions[promoted]?.primary).toBe(copy);
  });

  it('older than a second are dropped', async () => {
    await proxy.assigned();
    expect((await addLearner(7, proxy.nowMs - 1001)).partitions[7]?.inSync).toHaveLength(1);
    await addLearner(8);
    const before = proxy.topology.partitions;
    expect([
      await promote(8, 'copy', proxy.nowMs - 1001),
      await promote(8, 'primary', proxy.nowMs - 1001),
    ]).toEqual([false, false]);
    expect([proxy.questions, proxy.topology.partitions]).toEqual([[], before]);
  });

  it('that wait while the store fails are met then', async () => {
    await proxy.assigned();
    const replace = jest.spyOn(proxy.store, 'replace');
    replace.mockRejectedValueOnce(new KvsError('store_unavailable', 'no answer'));
    const [first, second] = [addLearner(1), addLearner(2)];
    await expect(first).rejects.toMatchObject({ code: 'store_unavailable' });
    expect((await second).partitions[2]?.inSync).toHaveLength(2);
  });

  it('by or for a process that is no longer a node are ignored', async () => {
    const [gone = fail()] = await proxy.assigned();
    const served = learners().filter((one) => proxy.topology.partitions[one]?.primary === gone);
    const [removed = NaN, promoted = NaN] = served;
    await addLearner(removed);
    await promote(promoted);
    proxy.silent.add(gone);
    await proxy.join('a', { bootId: boot('boot of a later start') });
    const { partitions } = proxy.topology;
    const find = (test: (entry: PartitionEntry) => boolean) => partitions.findIndex(test);
    const learning = find(({ learner }) => learner === gone);
    const { primary: by = fail() } = partitions[learning] ?? fail();
    const { primary: instead = fail() } = partitions[promoted] ?? fail();
    const copy = partitions[removed]?.inSync[1] ?? fail();
    const changes: [number, EntryChange][] = [
      [removed, { kind: 'remove', by: gone, copy }],
      [removed, { kind: 'start', primary: boot('stranger'), instead: gone, copies: [] }],
      [learning, { kind: 'add', by, copy: gone }],
      [promoted, { kind: 'promote', copy: gone, instead }],
      [
        find((one) => one.learner === undefined && !one.inSync.includes(gone)),
        { kind: 'nameLearner', learner: gone },
      ],
    ];
    const requests = changes.map(([partition, change]) => ({
      partition,
      epoch: partitions[partition]?.epoch ?? NaN,
      change,
    }));
    const answer = await proxy.control.changeEntries(
      { clusterId: 'c', revision: 0, by: gone, requests },
      proxy.nowMs,
    );
    expect(answer.topology.partitions).toEqual(partitions);
  });

  it('to become primary are met if the process agrees once more', async () => {
    await proxy.assigned();
    expect(await promote(7)).toBe(true);
    expect(proxy.questions.at(-1)?.promotions).toMatchObject([{ partition: 7 }]);
    proxy.disagree = [8];
    expect(await promote(8)).toBe(false);
    proxy.disagree = undefined;
    for (const partition of [9, 10, 11, 12]) expect(await promote(partition)).toBe(false);
    const silent = proxy.log.filter((line) => line.includes('cannot become primary'));
    expect(silent).toHaveLength(new Set(silent).size);
    expect(silent).not.toEqual([]);
  });

  it('to hand over to a process that does not agree rewrite the entry', async () => {
    await proxy.assigned();
    proxy.disagree = [7, 8];
    const askedAt = () => proxy.questions.at(-1)?.promotions[0]?.epoch ?? NaN;
    expect(await promote(7, 'primary')).toBe(false);
    expect(proxy.topology.partitions[7]?.epoch).toBeGreaterThan(askedAt());
    expect(await promote(8, 'copy')).toBe(false);
    expect(proxy.topology.partitions[8]?.epoch).toBe(askedAt());
  });

  it('to become primary wait for the process itself only, and its answer may take longer than a second', async () => {
    await proxy.assigned();
    const { partitions } = proxy.topology;
    const [slow = NaN] = learners();
    const copy = partitions[slow]?.learner ?? fail();
    const other = learners().find((partition) => partitions[partition]?.learner !== copy) ?? fail();
    let answer = () => {};
    proxy.slow.set(copy, new Promise<void>((resolve) => (answer = resolve)));
    const promoted = promote(slow);
    expect(await promote(other)).toBe(true);
    proxy.nowMs += 1500;
    answer();
    expect(await promoted).toBe(true);
  });

  it('are made again if another proxy changed the topology first', async () => {
    await proxy.assigned();
    await proxy.store.replace(raiseVersionCeiling(proxy.topology, 9e15));
    expect((await addLearner(7)).partitions[7]?.inSync).toHaveLength(2);
    expect(proxy.topology.versionCeiling).toBe(9e15);
  });
});

it('each change is made once, although the store says that it has another revision then', async () => {
  proxy = new TestProxy(new RepeatingStore());
  const [, b = fail(), c = fail()] = await proxy.assigned();
  /** Returns by how many revisions the topology is newer afterwards, and the answer. */
  const revisionsOf = async (change: () => Promise<unknown>) => {
    const { revision } = proxy.topology;
    const answer = await change();
    return [proxy.topology.revision - revision, answer];
  };
  const { control } = proxy;
  expect(await revisionsOf(() => addLearner(7).then((it) => it.partitions[7]?.inSync.length))).toEqual([
    1, 2,
  ]);
  expect(await revisionsOf(() => promote(8))).toEqual([2, true]);
  expect(await revisionsOf(() => proxy.join('d'))).toEqual([1, expect.any(String)]);
  expect(await revisionsOf(() => control.updateNode('d', { weight: 2 }))).toEqual([1, undefined]);
  expect(await revisionsOf(() => control.updateSettings({ copies: 3 }))).toEqual([1, undefined]);
  expect(await revisionsOf(() => control.removeNode('d', false))).toEqual([1, { state: 'removed' }]);
  const draining = { state: 'draining', copies: expect.any(Number) };
  expect(await revisionsOf(() => control.removeNode('a', false))).toEqual([1, draining]);
  proxy.disagree = undefined;
  expect(await revisionsOf(() => control.removeNode('a', true))).toEqual([1, { state: 'removed' }]);
  expect(await revisionsOf(() => control.removeNode(b, true))).toEqual([1, { state: 'removed' }]);
  const end = { isEnding: true };
  expect(await revisionsOf(() => proxy.report(c, end))).toEqual([1, expect.anything()]);
});

describe('a request for a newer topology', () => {
  const gone = new AbortController().signal;
  const raise = async () => {
    const versionCeiling = proxy.topology.versionCeiling + 1;
    await proxy.store.replace(raiseVersionCeiling(proxy.topology, versionCeiling));
    await proxy.control.read();
  };
  /** Notes the revisions of the answers; undefined for an answer without a topology, which `toEqual` would not see. */
  const ask = (count: number, revision = proxy.topology.revision, signal = gone) => {
    const answers: (number | undefined)[] = [];
    for (let asked = 0; asked < count; asked++)
      void proxy.control
        .newerThan(revision, signal)
        .then((answer) => answers.push(answer?.topology.revision));
    return answers;
  };
  beforeEach(() => proxy.control.start());

  it('is answered at once if the node is behind', async () => {
    await raise();
    const { revision } = proxy.topology;
    const answer = await proxy.control.newerThan(revision - 1, gone);
    expect(answer).toEqual({ topology: proxy.topology, timeMs: 1e12 });
  });

  it('waits until there is one', async () => {
    const answers = ask(1);
    await proxy.pass(3000);
    expect(answers).toStrictEqual([]);
    await raise();
    await settlePromises();
    expect(answers).toStrictEqual([proxy.topology.revision]);
  });

  it('ends without one after some seconds', async () => {
    const answers = ask(1);
    await proxy.pass(9900);
    expect(answers).toStrictEqual([]);
    await proxy.pass(100);
    expect(answers).toStrictEqual([undefined]);
  });

  it('ends without one if too many others wait that came later', async () => {
    const answers = ask(102);
    await settlePromises();
    expect(answers).toStrictEqual([undefined, undefined]);
    await proxy.pass(10_000);
    expect(answers).toHaveLength(102);
  });

  it('ends when the proxy stops, and is not taken any more then', async () => {
    const answers = ask(2);
    void proxy.control.leave();
    await settlePromises();
    expect(answers).toStrictEqual([undefined, undefined]);
    expect(await proxy.control.newerThan(0, gone)).toBeUndefined();
  });

  it('ends when its client has gone', async () => {
    const client = new AbortController();
    const answers = ask(1, proxy.topology.revision, client.signal);
    client.abort();
    await settlePromises();
    expect(answers).toStrictEqual([undefined]);
  });

  it('takes its turn if many wait, and gets the newest then', async () => {
    const answers = ask(50);
    await raise();
    await settlePromises();
    expect(answers).toStrictEqual(Array(20).fill(proxy.topology.revision));
    await raise();
    await proxy.pass(200);
    expect(answers.slice(20)).toEqual(Array(30).fill(proxy.topology.revision));
  });
});

describe('is refused', () => {
  it('a node of another cluster', async () => {
    const [a] = await proxy.assigned();
    const report = proxy.report(a ?? fail(), { clusterId: 'other' });
    await expect(report).rejects.toMatchObject({ code: 'wrong_cluster' });
  });

  it('a report of a process that is no node', async () => {
    await proxy.assigned();
    await expect(proxy.report(boot('stranger'))).rejects.toMatchObject({ code: 'unknown_node' });
    const earlier = reportOf(boot('boot of an earlier start'));
    await expect(proxy.control.report('a', earlier)).rejects.toMatchObject({ code: 'unknown_node' });
  });

  it('a store that has lost changes', async () => {
    await proxy.assigned();
    const revision = proxy.topology.revision + 5;
    // The store does not know that the node has started again.
    const report = reportOf(boot('boot of a later start'), { revision });
    await expect(proxy.control.report('a', report)).rejects.toMatchObject({ code: 'outdated_store' });
    await expect(addLearner(7)).rejects.toMatchObject({ code: 'outdated_store' });
  });

  it('a stranger that names a revision to come, and goes on with the store', async () => {
    await proxy.assigned();
    const bootId = boot('stranger');
    const knowledge = { clusterId: 'c', revision: Number.MAX_SAFE_INTEGER };
    const node = { id: 's', address: 's:1', zone: '', weight: 1, bootId, isDurable: false, starts: 1 };
    const { revision } = proxy.topology;
    for (const request of [
      () => proxy.control.join({ ...knowledge, node, sharedStore: undefined }),
      () => proxy.control.changeEntries({ ...knowledge, by: bootId, requests: [] }, proxy.nowMs),
      () => proxy.report(bootId, knowledge),
    ])
      await expect(request()).rejects.toMatchObject({ code: 'outdated_store' });
    expect((await proxy.control.read()).topology.revision).toBe(revision);
    await addLearner(7);
  });

  it('to remove a node that has copies, which is drained, unless an operator vouches for its end', async () => {
    const [a] = await proxy.assigned();
    const removal = await proxy.control.removeNode('a', false);
    expect(removal).toEqual({ state: 'draining', copies: expect.any(Number) });
    expect(proxy.topology.nodes).toContainEqual(expect.objectContaining({ id: 'a', state: 'draining' }));
    const { revision } = proxy.topology;
    proxy.silent.add(a ?? fail());
    expect(await proxy.control.removeNode('a', true)).toEqual({ state: 'removed' });
    expect(proxy.topology).toMatchObject({
      revision: revision + 1,
      ended: [{ bootId: a, isDurable: false }],
    });
    await expect(proxy.control.removeNode('a', true)).rejects.toMatchObject({ code: 'unknown_node' });
  });
});

describe('an operator who vouches for the end of a process', () => {
  const again = { bootId: boot('boot of a later start'), address: 'a.example:1' };
  const removed = { state: 'removed' };
  let a: BootId;
  beforeEach(async () => {
    await proxy.control.start();
    a = await proxy.join('a', { address: again.address });
    await proxy.pass(14_000, [a]);
    proxy.silent.add(a);
    await proxy.join('a', again);
    await proxy.pass(5000, [again.bootId]);
  });

  it('is refused if the process answers, because the cluster may wait for an earlier one', async () => {
    const { revision } = proxy.topology;
    await proxy.pass(3000, [again.bootId]);
    expect(proxy.control.status().partitions.unavailable).toMatchObject({ count: 4096, awaited: [a] });
    expect(proxy.log.join()).not.toContain('no partition is unavailable any more');
    for (const id of ['a', again.bootId])
      await expect(proxy.control.removeNode(id, true)).rejects.toMatchObject({
        code: 'node_in_use',
        message: expect.stringContaining('runs at a.example:1'),
      });
    expect(proxy.topology.revision).toBe(revision);
    expect(await proxy.control.removeNode(a, true)).toEqual(removed);
    await proxy.pass(2000, [again.bootId]);
    expect(proxy.control.status().partitions).toMatchObject({
      unavailable: { count: 0 },
      restarted_after_loss: 4096,
    });
  });

  it('is believed if the process does not answer, although it reported a moment ago', async () => {
    proxy.silent.add(again.bootId);
    expect(await proxy.control.removeNode('a', true)).toEqual(removed);
  });

  it('does not vouch for a process that joins while the one before it is asked', async () => {
    proxy.silent.add(again.bootId);
    const other = new TestProxy(proxy.store);
    other.silent.add(again.bootId);
    await other.control.start();
    let end = () => {};
    proxy.slow.set(again.bootId, new Promise<void>((resolve) => (end = resolve)));
    const removal = proxy.control.removeNode('a', true);
    await settlePromises();
    expect(proxy.questions.at(-1)).toMatchObject({ bootId: again.bootId, promotions: [] });
    const third = await other.join('a', { ...again, bootId: boot('boot of the last start') });
    end();
    await expect(removal).rejects.toMatchObject({ code: 'node_in_use' });
    expect((await proxy.control.read()).topology.nodes).toMatchObject([{ id: 'a', bootId: third }]);
    other.control.stop();
  });
});

it('a process that comes back after an operator vouched for its end keeps its partitions when another node joins', async () => {
  await proxy.control.start();
  const a = await proxy.join('a', { isDurable: true });
  await proxy.pass(14_000, [a]);
  proxy.silent.add(a);
  await proxy.control.removeNode('a', true);
  await proxy.pass(2000);
  expect(proxy.control.status().partitions.lost).toMatchObject({ count: 4096 });
  await proxy.join('a', { isDurable: true });
  await proxy.pass(2000, [a]);
  await proxy.pass(3000, [a, await proxy.join('b')]);
  expect(new Set(proxy.topology.partitions.map(({ primary }) => primary))).toEqual(new Set([a]));
  expect(proxy.control.status().partitions).toMatchObject({ lost: { count: 0 }, restarted_after_loss: 0 });
  expect(learners()).not.toEqual([]);
});

describe('another process with the id of a node', () => {
  const twin = { bootId: boot('twin') };
  const elsewhere = { ...twin, address: 'elsewhere:1' };
  const refused = { code: 'duplicate_node', message: 'a runs at 127.0.0.1:a already' };
  let a: BootId;
  beforeEach(async () => {
    await proxy.control.start();
    a = await proxy.join('a');
    await proxy.pass(3000, [a]);
  });

  it('is refused as long as the first one answers at its address, also if that is its own address', async () => {
    await proxy.pass(4000);
    await expect(proxy.join('a', elsewhere)).rejects.toMatchObject(refused);
    await expect(proxy.join('a', twin)).rejects.toMatchObject(refused);
    expect(proxy.topology.nodes[0]?.bootId).toBe(a);
  });

  it('is not the process itself, which may join again', async () => {
    const { revision } = proxy.topology;
    await proxy.join('a', { bootId: a });
    expect(proxy.topology.revision).toBe(revision);
  });

  it('takes its place at another address when the first one neither reports nor answers for 3 s', async () => {
    proxy.silent.add(a);
    await expect(proxy.join('a', elsewhere)).rejects.toMatchObject(refused);
    await proxy.pass(2900);
    await expect(proxy.join('a', elsewhere)).rejects.toMatchObject(refused);
    await proxy.pass(200);
    await proxy.join('a', elsewhere);
    expect(proxy.topology.nodes).toMatchObject([{ id: 'a', ...elsewhere }]);
  });

  it('takes its place at once if the first one has announced its end, or is gone from the same address', async () => {
    proxy.silent.add(a);
    await proxy.join('a', twin);
    await proxy.report(twin.bootId, { isEnding: true });
    proxy.silent.add(twin.bootId);
    const third = { ...elsewhere, bootId: boot('third') };
    await proxy.join('a', third);
    expect(proxy.topology.nodes).toMatchObject([{ id: 'a', ...third }]);
    expect((await proxy.report(third.bootId)).leaving).toEqual([twin.bootId]);
    await proxy.pass(1000);
    expect((await proxy.report(third.bootId)).leaving).toEqual([]);
  });

  it('is refused also by a proxy that gets no reports, and if the first one is silent for a moment', async () => {
    const other = new TestProxy(proxy.store, { url: 'http://two' });
    await other.control.read();
    await expect(other.join('a', elsewhere)).rejects.toMatchObject(refused);
    other.silent.add(a);
    await other.pass(2000);
    await expect(other.join('a', elsewhere)).rejects.toMatchObject(refused);
    await other.pass(2000);
    await other.join('a', elsewhere);
  });
});

describe('a process that ends in order', () => {
  it.each([
    [false, 1],
    [true, 0],
  ])('with a directory: %s', async (isDurable, count) => {
    await proxy.control.start();
    const bootId = await proxy.join('a', { isDurable });
    await proxy.pass(14_000, [bootId]);
    await proxy.report(bootId, { isEnding: true });
    expect(proxy.topology.ended).toHaveLength(count);
  });
});

it('a process with a directory is followed at once when it announces its end, and stays when it has started again', async () => {
  await proxy.control.start();
  const bootIds = await Promise.all(['a', 'b', 'c'].map((id) => proxy.join(id, { isDurable: true })));
  const [a = fail(), ...others] = bootIds;
  await proxy.pass(8000, bootIds);
  await proxy.report(a, { isEnding: true });
  await proxy.pass(1500, others);
  expect(proxy.topology.partitions.filter(({ primary }) => primary === a)).toEqual([]);
  expect(await proxy.report(others[0] ?? fail())).toMatchObject({ leaving: [a] });
  await proxy.join('a', { isDurable: true });
  expect(await proxy.report(a)).toMatchObject({ leaving: [] });
});

it('nodes that the proxy was given are silent until the proxy that leads hears them', async () => {
  const store = new SharedStore();
  const two = new TestProxy(store, { url: 'http://two' });
  proxy = new TestProxy(store);
  await Promise.all([proxy.control.start(), two.control.start()]);
  const addresses = ['127.0.0.1:a', '127.0.0.1:b'];
  await proxy.join('a');
  await two.control.read();
  const silent = () => [proxy, two].map(({ control }) => control.silent(addresses));
  expect(silent()).toEqual([['127.0.0.1:b'], ['127.0.0.1:b']]);
  await Promise.all([proxy.pass(5000), two.pass(5000)]);
  expect(silent()).toEqual([addresses, ['127.0.0.1:b']]);
  two.control.stop();
});

it('learners are named while others are added all the time', async () => {
  const bootIds = await proxy.assigned();
  const first = new Set(learners());
  for (let added = 0; added < 20; added++) {
    await addLearner(learners()[0] ?? fail());
    await proxy.pass(100, bootIds);
  }
  expect(learners().filter((partition) => !first.has(partition))).not.toEqual([]);
});

it('a move that failed is withdrawn soon, and tried again soon after', async () => {
  const bootIds = await proxy.assigned();
  await fillAll(bootIds);
  await proxy.pass(31_000, bootIds);
  const { primary = fail(), inSync, epoch } = proxy.topology.partitions[7] ?? fail();
  const copy = inSync.find((one) => one !== primary) ?? fail();
  const request = { partition: 7, epoch, change: { kind: 'remove' as const, by: primary, copy } };
  await proxy.control.changeEntries(
    { clusterId: 'c', revision: 0, by: primary, requests: [request] },
    proxy.nowMs,
  );
  await proxy.pass(3000, bootIds);
  expect(learners()).toEqual([7]);
  const failures = bootIds.map((one) => ({ partition: 7, copy: one, reason: 'the connection broke' }));
  await proxy.report(primary, { failures });
  await proxy.pass(1500, bootIds);
  expect(learners()).toEqual([]);
  await proxy.pass(3000, bootIds);
  expect(learners()).toEqual([7]);
});

it('a plan that could not be stored is made again', async () => {
  const bootIds = await proxy.assigned();
  await fillAll(bootIds);
  await proxy.pass(2000, bootIds);
  const { primary = fail(), inSync, epoch } = proxy.topology.partitions[7] ?? fail();
  const copy = inSync.find((one) => one !== primary) ?? fail();
  const requests = [{ partition: 7, epoch, change: { kind: 'remove' as const, by: primary, copy } }];
  await proxy.control.changeEntries({ clusterId: 'c', revision: 0, by: primary, requests }, proxy.nowMs);
  const replace = jest.spyOn(proxy.store, 'replace');
  replace.mockRejectedValueOnce(new KvsError('store_unavailable', 'no answer'));
  await proxy.pass(500);
  expect([learners(), replace.mock.calls.length]).toEqual([[], 1]);
  for (const bootId of bootIds) await proxy.report(bootId);
  await proxy.pass(1500, bootIds);
  expect(learners()).toEqual([7]);
});

it('operators read what happened', async () => {
  const bootIds = await proxy.assigned();
  await fillAll(bootIds);
  expect(proxy.log.at(-1)).toContain('done: all partitions have all their copies');
  expect(proxy.log).toContainEqual(expect.stringMatching(/^b is being filled: \d+ of 2731 copies /));
  expect(proxy.log).toContainEqual(expect.stringMatching(/^b has its share: \d+ copies /));
  const [a, ...others] = bootIds;
  const served = proxy.topology.partitions.filter(({ primary }) => primary === a).length;
  await proxy.report(a ?? fail(), { isEnding: true });
  await proxy.pass(2000, others);
  expect(proxy.log).toContainEqual(
    expect.stringMatching(/^copy promoted: b takes over \d+ partitions of a /),
  );
  expect(proxy.control.status().partitions.failovers).toBe(served);
});

it('a planned hand-over is no failover', async () => {
  await proxy.assigned();
  expect(await promote(7, 'primary')).toBe(true);
  expect(proxy.control.status().partitions.failovers).toBe(0);
  expect(proxy.log.join()).not.toContain('takes over');
});

it('a failover counts at the proxy that stored it, although another one leads', async () => {
  const store = new SharedStore();
  const other = new TestProxy(store, { url: 'http://two' });
  proxy = new TestProxy(store);
  await proxy.assigned();
  await other.control.start();
  await other.pass(1000);
  expect(other.control.status()).toMatchObject({ leader: 'http://one', partitions: { failovers: 0 } });
  const { primary, inSync, epoch } = (await addLearner(7)).partitions[7] ?? fail();
  const [by] = inSync.filter((copy) => copy !== primary);
  const change = { kind: 'promote' as const, copy: by ?? fail(), instead: primary ?? fail() };
  const request = {
    clusterId: 'c',
    revision: 0,
    by: by ?? fail(),
    requests: [{ partition: 7, epoch, change }],
  };
  await other.control.changeEntries(request, other.nowMs);
  await proxy.control.read();
  const failovers = [other, proxy].map(({ control }) => control.status().partitions.failovers);
  expect(failovers).toEqual([1, 0]);
  expect(other.log).toContainEqual(expect.stringMatching(/^copy promoted: . takes over 1 partitions of . /));
  other.control.stop();
});

describe('nodes with one shared store', () => {
  const shared = async () => {
    await proxy.control.start();
    const bootIds = await Promise.all(['a', 'b'].map((id) => proxy.join(id, { sharedStore: 'redis' })));
    await proxy.pass(8000, bootIds);
    const [a = fail(), b = fail()] = bootIds;
    return { a, b, served: proxy.topology.partitions.filter(({ primary }) => primary === a).length };
  };
  const takenOver = () => [
    proxy.topology.partitions.every(({ primary }) => primary === boot('boot b')),
    proxy.control.status().partitions.failovers,
  ];

  it('a node that announced its end has no failovers', async () => {
    const { a, b } = await shared();
    await proxy.report(a, { isEnding: true });
    await proxy.pass(4000, [b]);
    expect(takenOver()).toEqual([true, 0]);
  });

  it.each([0, 3000])(
    'a node that is gone gets nothing when a proxy begins to lead, and then stands still for %d ms',
    async (pausedMs) => {
      const store = new BreakableStore(new LocalTopologyStore());
      proxy = new TestProxy(store);
      const { b } = await shared();
      await proxy.pass(5000, [b]);
      store.isBroken = true;
      await proxy.pass(10_000);
      store.isBroken = false;
      const { partitions } = proxy.topology;
      await proxy.pass(1500);
      proxy.nowMs += pausedMs;
      await proxy.pass(8000, [b]);
      expect(proxy.topology.partitions).toEqual(partitions);
    },
  );

  it('a node that is silent has', async () => {
    const { b, served } = await shared();
    await proxy.pass(5000, [b]);
    expect(takenOver()).toEqual([true, served]);
  });
});

it('a loss counts at every proxy, also if the one that led has gone', async () => {
  const store = new SharedStore();
  const other = new TestProxy(store, { url: 'http://two' });
  proxy = new TestProxy(store);
  const [a, ...others] = await proxy.assigned();
  const served = proxy.topology.partitions.filter(({ primary }) => primary === a).length;
  await proxy.report(a ?? fail(), { isEnding: true });
  await proxy.pass(2000, others);
  proxy.control.stop();
  await other.control.start();
  expect(other.control.status().partitions.restarted_after_loss).toBe(served);
  other.control.stop();
});

it('a partition that starts again after a loss is no failover', async () => {
  const [a, ...others] = await proxy.assigned();
  const served = proxy.topology.partitions.filter(({ primary }) => primary === a).length;
  await proxy.report(a ?? fail(), { isEnding: true });
  await proxy.pass(2000, others);
  expect(proxy.control.status().partitions).toMatchObject({ failovers: 0, restarted_after_loss: served });
});

it('partitions that start again after a loss are counted and logged once, also if the answer of the store is lost', async () => {
  const store = new ForgetfulStore();
  proxy = new TestProxy(store);
  const [a, ...others] = await proxy.assigned();
  const lost = proxy.topology.partitions.flatMap(({ primary }, partition) =>
    primary === a ? [partition] : [],
  );
  const position = { epoch: 1, number: 1 };
  const older = lost.slice(0, 100).map((partition) => ({ partition, position }));
  await proxy.pass(1000, others, (at) => (at === 0 ? older : []));
  await proxy.report(a ?? fail(), { isEnding: true });
  store.isForgetful = true;
  await proxy.pass(5000, others);
  expect(proxy.control.status().partitions.restarted_after_loss).toBe(lost.length);
  const told = `${lost.length} partitions start again because all their copies are gone, ${lost.length - 100} of them empty`;
  expect(proxy.log.filter((line) => line.includes('start again'))).toEqual([expect.stringContaining(told)]);
});

it('lost partitions stay offline until an operator starts them', async () => {
  proxy = new TestProxy(new LocalTopologyStore(), { whenLost: 'offline' });
  const [a, ...others] = await proxy.assigned();
  expect(await proxy.control.startLost()).toBe(0);
  const count = proxy.topology.partitions.filter(({ primary }) => primary === a).length;
  await proxy.report(a ?? fail(), { isEnding: true });
  await proxy.pass(5000, others);
  expect(proxy.control.status().partitions).toMatchObject({ lost: { count }, restarted_after_loss: 0 });
  expect(await proxy.control.startLost()).toBe(count);
  await proxy.pass(2000, others);
  expect(proxy.control.status().partitions).toMatchObject({
    lost: { count: 0 },
    restarted_after_loss: count,
  });
});

it('a proxy that has just begun to lead does not know yet which partitions are lost', async () => {
  await proxy.control.start();
  await expect(proxy.control.startLost()).rejects.toMatchObject({ code: 'store_unavailable' });
  await proxy.pass(1000);
  expect(await proxy.control.startLost()).toBe(0);
});

it('lost partitions of which a process that is away may have pairs are not started, unless there are older copies', async () => {
  proxy = new TestProxy(new LocalTopologyStore(), { whenLost: 'offline' });
  const [a, b] = await proxy.assigned();
  await proxy.report(a ?? fail(), { isEnding: true });
  const pass = (ms: number, held: NodeReport['held']) => proxy.pass(ms, [b ?? fail()], () => held);
  await pass(70_000, []);
  expect(proxy.control.status().partitions.lost).toMatchObject({ awaited: ['c'] });
  expect(await proxy.control.startLost()).toBe(0);
  const partition = proxy.topology.partitions.findIndex(({ primary }) => primary === a);
  await pass(1000, [{ partition, position: { epoch: 1, number: 1 } }]);
  expect(await proxy.control.startLost()).toBe(1);
});

it('lost partitions do not start from older copies because the proxy stood still', async () => {
  proxy = new TestProxy(new LocalTopologyStore(), { whenLost: 'offline' });
  const [a = fail(), b = fail()] = await proxy.assigned();
  await proxy.report(a, { isEnding: true });
  const partition = proxy.topology.partitions.findIndex(({ primary }) => primary === a);
  await proxy.pass(58_000, [b], () => [{ partition, position: { epoch: 1, number: 1 } }]);
  proxy.nowMs += 2900;
  expect(await proxy.control.startLost()).toBe(0);
});

it('the ceiling of versions rises soon after a node reports a version near it, also while nothing else changes', async () => {
  const bootIds = await proxy.assigned();
  await fillAll(bootIds);
  await proxy.pass(2000, bootIds);
  const { versionCeiling } = proxy.topology;
  for (let round = 0; round < 4; round++) {
    for (const bootId of bootIds) await proxy.report(bootId, { highestVersion: versionCeiling });
    await proxy.pass(500);
  }
  expect(proxy.topology.versionCeiling).toBeGreaterThan(versionCeiling);
});

it('a node drains by orders to its primaries', async () => {
  const bootIds = await proxy.assigned();
  await fillAll(bootIds);
  await proxy.control.updateNode('a', { state: 'draining' });
  await proxy.pass(2000, bootIds);
  const partition = proxy.topology.partitions.findIndex(
    ({ learner, inSync }) => learner !== undefined && inSync.includes(boot('boot a')),
  );
  await addLearner(partition);
  await proxy.pass(2000, bootIds);
  const { primary } = proxy.topology.partitions[partition] ?? fail();
  const { orders } = await proxy.report(primary ?? fail());
  expect(orders).toContainEqual(expect.objectContaining({ partition }));
});

it('a node that leaves has its copies removed at once, although nothing changes in the topology', async () => {
  await proxy.control.start();
  const a = await proxy.join('a');
  await proxy.pass(14_000, [a]);
  const b = await proxy.join('b', { weight: 1e-6 });
  await fillAll([a, b]);
  await proxy.pass(3000, [a, b]);
  expect((await proxy.report(a)).orders).toEqual([]);
  await proxy.report(b, { isLeaving: true });
  await proxy.pass(1000);
  const { orders } = await proxy.report(a);
  expect(orders).toContainEqual(expect.objectContaining({ kind: 'remove', copy: b }));
  expect(orders).toHaveLength(4096);
});

it('copies are made soon after a node has room for them again, although nothing changes in the topology', async () => {
  await proxy.control.start();
  const a = await proxy.join('a');
  await proxy.pass(14_000, [a]);
  const b = await proxy.join('b');
  const pass = async (ms: number, freeBytes: number) => {
    for (const endMs = proxy.nowMs + ms; proxy.nowMs < endMs; await proxy.pass(500)) {
      await proxy.report(a, { usedBytes: 4_096_000 });
      await proxy.report(b, { freeBytes });
    }
  };
  await pass(5000, 0);
  expect(learners()).toEqual([]);
  await pass(32_000, 1e9);
  expect(learners()).not.toEqual([]);
});

it('a node that is drained while a plan is made that would make it active stays drained', async () => {
  await proxy.control.start();
  const a = await proxy.join('a');
  await proxy.pass(14_000, [a]);
  const b = await proxy.join('b');
  await proxy.pass(2000, [a, b]);
  expect(proxy.topology.nodes).toMatchObject([{ state: 'active' }, { state: 'joining' }]);
  await addLearner(learners()[0] ?? fail());
  let drained: Promise<void> | undefined;
  proxy.onStep = () => void (drained ??= proxy.control.updateNode('b', { state: 'draining' }));
  await proxy.pass(2000, [a, b]);
  await drained;
  expect(proxy.topology.nodes).toMatchObject([{ state: 'active' }, { state: 'draining' }]);
});

it('a proxy that stops while it plans changes nothing more, and waits for nothing', async () => {
  const bootIds = await proxy.assigned();
  await fillAll(bootIds);
  await proxy.control.updateNode('a', { state: 'draining' });
  const { revision } = proxy.topology;
  let steps = 0;
  proxy.onStep = () => {
    if (++steps === 3) proxy.control.stop();
  };
  await proxy.pass(2000, bootIds);
  expect([steps > 3, proxy.topology.revision, proxy.taskCount]).toEqual([true, revision, 0]);
});

it('a proxy makes one plan at a time, also if the topology changes while the store takes long for the last one', async () => {
  const store = new SlowStore();
  proxy = new TestProxy(store);
  const bootIds = await proxy.assigned();
  for (const bootId of bootIds) await proxy.report(bootId, { highestVersion: proxy.topology.versionCeiling });
  const end = store.holdReplace();
  await proxy.pass(1000);
  let steps = 0;
  proxy.onStep = () => void steps++;
  await store.replaceAtOnce(raiseVersionCeiling(proxy.topology, 9e15));
  await proxy.control.read();
  await proxy.pass(2000, bootIds);
  expect(steps).toBe(0);
  end();
  await proxy.pass(2000, bootIds);
  expect(steps).toBeGreaterThan(0);
});

/** The store of two proxies, as one of them reaches it. */
class SharedStore extends LocalTopologyStore {
  leader = 'http://one';

  override async claimLead(name: string, deposed?: string): Promise<string> {
    if (deposed === this.leader) this.leader = name;
    return this.leader;
  }

  override async resignLead(): Promise<void> {
    this.leader = 'http://two';
  }

  override async close(): Promise<void> {
    // The other proxy uses it.
  }
}

/** A proxy's way to a store, which can break. */
class BreakableStore implements TopologyStore {
  isBroken = false;
  readonly #store: TopologyStore;

  constructor(store: TopologyStore) {
    this.#store = store;
  }

  read = () => this.#reached.then((store) => store.read());
  replace = (next: Topology) => this.#reached.then((store) => store.replace(next));
  watch = () => () => undefined;
  claimLead = (...names: [string, string?]) => this.#reached.then((store) => store.claimLead(...names));
  resignLead = () => this.#reached.then((store) => store.resignLead());
  close = () => this.#store.close();

  get #reached(): Promise<TopologyStore> {
    if (this.isBroken) return Promise.reject(new KvsError('store_unavailable', 'no answer'));
    return Promise.resolve(this.#store);
  }
}

it('a proxy that does not reach the store leads no more, and sends nodes to the next proxy', async () => {
  const shared = new SharedStore();
  const store = new BreakableStore(shared);
  const [one, two] = [new TestProxy(store), new TestProxy(shared, { url: 'http://two' })];
  await Promise.all([one.control.start(), two.control.start()]);
  const bootId = await one.join('a');
  await Promise.all([one.pass(2000), two.pass(2000)]);
  store.isBroken = true;
  await one.pass(4000, [bootId]);
  expect(one.control.status()).toMatchObject({ leader: 'http://one', nodes: [{ reachable: true }] });
  shared.leader = 'http://two';
  await Promise.all([one.pass(2000), two.pass(2000)]);
  expect(one.control.status()).toMatchObject({
    leader: null,
    nodes: [{ reachable: null }],
    partitions: { lost: null },
  });
  await expect(one.report(bootId)).rejects.toMatchObject({ code: 'store_unavailable' });
  await expect(one.control.startLost()).rejects.toMatchObject({ code: 'not_leader' });
  expect((await two.report(bootId)).leader).toBeUndefined();
  expect(two.control.status()).toMatchObject({ leader: 'http://two', nodes: [{ reachable: true }] });
  store.isBroken = false;
  await one.pass(2000);
  expect((await one.report(bootId)).leader).toBe('http://two');
  one.control.stop();
  two.control.stop();
});

it.each([
  [3, 'http://two'],
  [2, 'http://one'],
])('if %d of 4 nodes report to a proxy that does not lead, %s leads', async (reporting, leader) => {
  const store = new SharedStore();
  const [one, two] = [new TestProxy(store), new TestProxy(store, { url: 'http://two' })];
  await Promise.all([one.control.start(), two.control.start()]);
  const bootIds: BootId[] = [];
  for (const id of ['a', 'b', 'c', 'd']) bootIds.push(await two.join(id));
  const { revision } = two.topology;
  await two.pass(10_000, bootIds.slice(0, reporting));
  expect([store.leader, two.topology.revision]).toEqual(['http://one', revision]);
  await two.pass(2000, bootIds.slice(0, reporting));
  await one.pass(12_000);
  expect([one.control.status().leader, two.control.status().leader]).toEqual([leader, leader]);
  const takeovers = two.log.filter((line) =>
    line.startsWith('takes the lead from http://one, because most nodes'),
  );
  expect(takeovers).toHaveLength(leader === 'http://two' ? 1 : 0);
  one.control.stop();
  two.control.stop();
});

describe('a proxy that stood still', () => {
  it('has the nodes go on with their fills', async () => {
    const bootIds = await proxy.assigned();
    const before = learners();
    expect(before).not.toEqual([]);
    proxy.nowMs += 3500;
    await proxy.pass(500);
    expect(learners()).toEqual(before);
    await proxy.pass(4000, bootIds.slice(1));
    expect(learners()).not.toEqual(before);
  });

  it('takes no node for gone that reports a moment later than others', async () => {
    const bootIds = await proxy.assigned();
    await fillAll(bootIds);
    await proxy.pass(2000, bootIds);
    const { partitions } = proxy.topology;
    proxy.nowMs += 3900;
    for (const bootId of bootIds.slice(1)) await proxy.report(bootId);
    await proxy.pass(900);
    await proxy.pass(2000, bootIds);
    expect(proxy.topology.partitions).toEqual(partitions);
  });
});

it('a proxy to which most nodes report now and then does not take the lead', async () => {
  const store = new SharedStore();
  const two = new TestProxy(store, { url: 'http://two' });
  await two.control.start();
  const bootId = await two.join('a');
  for (let round = 0; round < 3; round++) {
    await two.pass(4000, [bootId]);
    await two.pass(6500);
  }
  expect(store.leader).toBe('http://one');
  two.control.stop();
});

it('a claim to lead counts from its beginning, and not from the answer', async () => {
  const store = new SharedStore();
  proxy = new TestProxy(store);
  await proxy.control.start();
  await proxy.pass(900);
  let answer = () => {};
  const claim = new Promise<string>((resolve) => (answer = () => resolve('http://one')));
  jest.spyOn(store, 'claimLead').mockImplementationOnce(() => claim);
  await proxy.pass(6500);
  answer();
  await settlePromises();
  expect(proxy.control.status().leader).toBeNull();
  await proxy.pass(1000);
  expect(proxy.control.status().leader).toBe('http://one');
});

it('a proxy that does not know yet who leads sends nodes to the next one', async () => {
  const store = new SharedStore();
  proxy = new TestProxy(store);
  let answer = () => {};
  const claim = new Promise<string>((resolve) => (answer = () => resolve('http://two')));
  jest.spyOn(store, 'claimLead').mockImplementationOnce(() => claim);
  await proxy.control.start();
  const bootId = await proxy.join('a');
  await expect(proxy.report(bootId)).rejects.toMatchObject({ code: 'store_unavailable' });
  answer();
  await settlePromises();
  expect((await proxy.report(bootId)).leader).toBe('http://two');
});

it('nodes that have not heard of a new leader yet do not make their proxy take the lead from it', async () => {
  const store = new SharedStore();
  const two = new TestProxy(store, { url: 'http://two' });
  await two.control.start();
  const bootId = await two.join('a');
  await two.pass(9000, [bootId]);
  store.leader = 'http://three';
  await two.pass(2000, [bootId]);
  await two.pass(6000);
  expect([store.leader, two.control.status().leader]).toEqual(['http://three', 'http://three']);
  two.control.stop();
});

it('a proxy goes on to lead while the store takes long for a change', async () => {
  let endWrite = (): void => undefined;
  const publish = jest.fn(() => Promise.resolve());
  const lock = { assertHeld: () => undefined, publish, release: () => Promise.resolve() };
  proxy = new TestProxy(new LocalTopologyStore({ path: 'no-such-directory/topology', lock }));
  const bootIds = await proxy.assigned();
  const writes = publish.mock.calls.length;
  publish.mockReturnValueOnce(new Promise((resolve) => (endWrite = resolve)));
  for (const bootId of bootIds) await proxy.report(bootId, { highestVersion: proxy.topology.versionCeiling });
  await proxy.pass(10_000, bootIds);
  expect(publish).toHaveBeenCalledTimes(writes + 1);
  expect(proxy.control.status()).toMatchObject({
    leader: 'http://one',
    nodes: [{ reachable: true }, {}, {}],
  });
  endWrite();
});

it('after the store was away for all, the proxy that leads gives the nodes time to report', async () => {
  const store = new BreakableStore(new LocalTopologyStore());
  proxy = new TestProxy(store);
  const bootIds = await proxy.assigned();
  await fillAll(bootIds);
  await proxy.pass(2000, bootIds);
  const { partitions } = proxy.topology;
  store.isBroken = true;
  await proxy.pass(60_000);
  store.isBroken = false;
  await proxy.pass(2000);
  const reachable = { reachable: true };
  expect(proxy.control.status()).toMatchObject({
    leader: 'http://one',
    nodes: [reachable, reachable, reachable],
  });
  await proxy.pass(4000, bootIds);
  expect(proxy.topology.partitions).toEqual(partitions);
});

it('the proxy that leads gives the lead up when it leaves, before it is closed', async () => {
  const store = new SharedStore();
  const [one, two] = [new TestProxy(store), new TestProxy(store, { url: 'http://two' })];
  await Promise.all([one.control.start(), two.control.start()]);
  await Promise.all([one.pass(2000), two.pass(2000)]);
  expect(two.control.status()?.leader).toBe('http://one');
  await one.control.leave();
  await Promise.all([one.pass(4000), two.pass(2000)]);
  expect([one.control.status()?.leader, two.control.status()?.leader]).toEqual([null, 'http://two']);
  one.control.stop();
  two.control.stop();
});

it('a proxy that has given up the lead sends nodes to the next proxy, and stores the end of a process', async () => {
  proxy = new TestProxy(new SharedStore());
  const [a = fail()] = await proxy.assigned();
  const durable = await proxy.join('d', { isDurable: true });
  await proxy.control.leave();
  const refused = { code: 'store_unavailable', message: 'this proxy does not know which proxy leads' };
  await expect(proxy.report(a)).rejects.toMatchObject(refused);
  await expect(proxy.report(durable, { isEnding: true })).rejects.toMatchObject(refused);
  await proxy.report(a, { isEnding: true });
  expect(proxy.topology.ended).toMatchObject([{ bootId: a, isDurable: false }]);
});

it('a proxy that leaves waits for the end of its last claim, which would take the lead again', async () => {
  const store = new SharedStore();
  const [one, two] = [new TestProxy(store), new TestProxy(store, { url: 'http://two' })];
  await Promise.all([one.control.start(), two.control.start()]);
  await one.pass(900);
  let claim = () => {};
  jest
    .spyOn(store, 'claimLead')
    .mockImplementationOnce(
      (name) => new Promise((resolve) => (claim = () => resolve((store.leader = name)))),
    );
  await one.pass(1000);
  const left = one.control.leave();
  await settlePromises();
  claim();
  await left;
  await two.pass(2000);
  expect([store.leader, two.control.status().leader]).toEqual(['http://two', 'http://two']);
  expect(one.taskCount).toBe(0);
  one.control.stop();
  two.control.stop();
});

it('the proxy that leads is named by the others', async () => {
  const store = new SharedStore();
  const [one, two] = [new TestProxy(store), new TestProxy(store, { url: 'http://two' })];
  await Promise.all([one.control.start(), two.control.start()]);
  const bootId = await one.join('a');
  await Promise.all([one.pass(2000), two.pass(4000)]);
  expect(await two.report(bootId)).toMatchObject({ leader: 'http://one', leaving: undefined });
  expect(await one.report(bootId)).toMatchObject({ leader: undefined, leaving: [] });
  expect(two.control.status()).toMatchObject({
    leader: 'http://one',
    nodes: [{ copies: 0, wanted_copies: null }],
    partitions: { lost: null },
  });
  await expect(two.control.startLost()).rejects.toMatchObject({
    code: 'not_leader',
    message: 'the cluster is led by http://one',
  });
  one.control.stop();
  two.control.stop();
});
