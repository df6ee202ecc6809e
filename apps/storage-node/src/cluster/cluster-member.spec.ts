import { jest } from '@jest/globals';
import { KvStore, MemoryEngine } from '@kvs/kv-store';
import { TestNode } from '@kvs/node-link/testing';
import { keyId, partitionOf, stringKey, stringValue } from '@kvs/protocol';
import { ManualTime, until } from '@kvs/protocol/testing';
import { isBootId, registerNode, removeNode, type BootId } from '@kvs/topology';
import { FakeProxy, TIME_MS } from '../../test/fake-proxy.js';
import { NodeFront } from '../node-front.js';
import { StoreOperations } from '../store-operations.js';
import { ClusterMember } from './cluster-member.js';
import { NodeClock } from './node-clock.js';

const KEY = stringKey('key');
const PARTITION = partitionOf(KEY);
const PROBLEM = 'the node cannot join its cluster or report to it';
const LEAVE_TIMEOUT_MS = 30_000;
const ITEM = { key: KEY, value: stringValue('v') };

/** A node in this process: a member with its engine and its link server. */
class Node {
  readonly log: string[] = [];
  readonly engine: MemoryEngine;
  readonly operations: NodeFront;
  readonly member: ClusterMember;
  readonly #server: TestNode;

  constructor(join: readonly string[], id: string | undefined) {
    const clock = new NodeClock(join.length > 0);
    this.engine = new MemoryEngine({ clock });
    const store = new KvStore(this.engine, clock);
    const alone = new StoreOperations(store);
    this.operations = new NodeFront(alone);
    const note = (message: unknown): void => void this.log.push(String(message));
    this.member = new ClusterMember({
      config: { join, id, address: undefined, announceHost: undefined, zone: '', weight: 1 },
      leaveTimeoutMs: LEAVE_TIMEOUT_MS,
      engine: async () => this.engine,
      store,
      clock,
      nowMs: () => time.nowMs(),
      use: (operations) => this.operations.use(operations),
      alone,
      log: { info: note, warn: note, error: note },
    });
    this.#server = new TestNode(this.operations, this.member.receiver);
  }

  /** Returns the address. */
  async start(): Promise<string> {
    await this.#server.start();
    const address = `127.0.0.1:${this.#server.port}`;
    this.member.listening(address);
    return address;
  }

  async joined(): Promise<void> {
    await until(() => this.member.replica !== undefined);
  }

  isServing(): boolean {
    return this.member.replica?.isServing(PARTITION) === true;
  }

  async stop(): Promise<void> {
    await this.member.close();
    await this.#server.kill();
    this.engine.close();
  }
}

/** The time by which nodes that leave give up. It passes only as a test says. */
let time: ManualTime;
let proxy: FakeProxy;
let url: string;
const nodes: Node[] = [];

beforeEach(async () => {
  time = new ManualTime();
  proxy = new FakeProxy();
  url = await proxy.start();
});
afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.stop()));
  await proxy.close();
});

async function startNode(id?: string, join = [url]): Promise<Node> {
  const node = new Node(join, id);
  nodes.push(node);
  await node.start();
  return node;
}

/** Starts two nodes, the first of which serves the partition. */
async function startPair(): Promise<{ first: Node; second: Node; primary: BootId; copy: BootId }> {
  const [first, second] = [await startNode('first'), await startNode('second')];
  await Promise.all([first.joined(), second.joined()]);
  const [primary, copy] = [proxy.bootIdOf('first'), proxy.bootIdOf('second')];
  if (primary === undefined || copy === undefined) throw new TypeError('both have joined');
  proxy.change(PARTITION, { kind: 'start', primary, instead: undefined, copies: [] });
  await until(() => first.isServing());
  return { first, second, primary, copy };
}

/** The identity that the second node has from a backup: another process has started with its boot id more often. */
const BACKUP = { bootId: 'boot of the backup', isDurable: true, starts: 3 };

/** Starts two nodes, the first of which serves the partition, and the second has an old pair from a backup. */
async function startRestored(): Promise<{ first: Node; second: Node }> {
  const first = await startNode('first');
  await first.joined();
  const { bootId } = BACKUP;
  const primary = proxy.bootIdOf('first');
  if (primary === undefined || !isBootId(bootId)) throw new TypeError('it has joined');
  proxy.change(PARTITION, { kind: 'start', primary, instead: undefined, copies: [] });
  const known = { ...BACKUP, bootId, id: 'second', address: '127.0.0.1:1', zone: '', weight: 1, starts: 5 };
  proxy.topology = registerNode(proxy.topology, known);
  await until(() => first.isServing());
  const second = new Node([url], 'second');
  nodes.push(second);
  second.engine.setMany([
    {
      id: keyId(KEY),
      partition: PARTITION,
      value: stringValue('old'),
      expiresAtMs: undefined,
      ifVersion: undefined,
    },
  ]);
  jest.spyOn(second.engine.replication, 'start').mockResolvedValueOnce(BACKUP);
  await second.start();
  return { first, second };
}

/** Starts two nodes, the first of which serves the partition, and the second has a copy. */
async function startCopies(): Promise<{ first: Node; second: Node; copy: BootId }> {
  const { first, second, copy } = await startPair();
  proxy.change(PARTITION, { kind: 'nameLearner', learner: copy });
  await until(() => proxy.topology.partitions[PARTITION]?.inSync.length === 2 && first.isServing());
  return { first, second, copy };
}

/** Lets time pass until a node that leaves has given up waiting. */
async function givenUp(left: Promise<void>): Promise<void> {
  let hasEnded = false;
  const end = (): void => void (hasEnded = true);
  left.then(end, end);
  await until(() => {
    if (!hasEnded) time.advanceMs(1000);
    return hasEnded;
  });
  await left;
}

/** Waits until a process has read the answer to a report that it sends from now on. */
async function reported(bootId: BootId | undefined): Promise<void> {
  const { length } = proxy.reports;
  const later = () => proxy.reports.slice(length).filter((report) => report.bootId === bootId);
  await until(() => later().length > 1);
}

describe('a node with --join', () => {
  it('serves nothing before it has joined, and only its partitions afterwards', async () => {
    const node = new Node([url], 'first');
    nodes.push(node);
    expect(node.member.obstacle).toContain('not joined');
    expect(() => node.operations.set([ITEM])).toThrow(expect.objectContaining({ code: 'not_ready' }));
    expect(node.member.receiver.identity()).toBeUndefined();
    await node.start();
    await node.joined();
    const { clusterId } = proxy.topology;
    expect(node.member.receiver.identity()).toEqual({ clusterId, bootId: proxy.bootIdOf('first') });
    expect(proxy.topology.nodes[0]?.processId).toMatch(/^[\da-f-]{36}$/);
    expect(node.member.obstacle).toBeUndefined();
    expect(await node.operations.set([ITEM])).toMatchObject([{ code: 'wrong_node' }]);
  });

  it('joins as soon as its engine can say what it has', async () => {
    const node = new Node([url], 'first');
    nodes.push(node);
    const { replication } = node.engine;
    jest.spyOn(replication, 'start').mockRejectedValueOnce(new Error('the disk is full'));
    jest.spyOn(replication, 'completePartitions').mockImplementationOnce(() => {
      throw new Error('the data file is not there');
    });
    await node.start();
    await node.joined();
    expect(node.log.slice(0, 2)).toEqual([
      `${PROBLEM}: the disk is full`,
      `${PROBLEM}: the data file is not there`,
    ]);
  });

  it('logs each reason why it cannot join, and its readiness says so', async () => {
    await (await startNode('first')).joined();
    const { topology } = proxy;
    await proxy.close();
    const node = await startNode('second');
    await until(() => node.log.length > 0);
    proxy = new FakeProxy();
    proxy.topology = { ...topology, sharedStore: 'store' };
    await proxy.start(Number(new URL(url).port));
    const reason = `${url} refused with 409 wrong_store: second keeps its own pairs, but every other node of this cluster shares the store store`;
    await until(() => node.log.includes(`${PROBLEM}: ${reason}`));
    expect(node.log[0]).toContain(PROBLEM);
    expect(node.member.obstacle).toBe(`the node has not joined its cluster yet: ${reason}`);
    proxy.topology = topology;
    await node.joined();
    expect(node.log.at(-1)).toContain('joined the cluster');
    expect([new Set(node.log).size, node.member.obstacle]).toEqual([node.log.length, undefined]);
  });

  it('warns if the cluster keeps another zone or weight than its options have', async () => {
    const { bootId } = BACKUP;
    if (!isBootId(bootId)) throw new TypeError('it is one');
    const known = { ...BACKUP, bootId, id: 'first', address: '127.0.0.1:1', zone: 'here', weight: 2 };
    proxy.topology = registerNode(proxy.topology, known);
    const node = await startNode('first');
    await until(() => node.log.length > 2);
    expect(node.log.slice(1)).toEqual([
      'the cluster keeps the zone "here" of first, and not "": change it with PATCH /cluster/nodes/first at a proxy',
      'the cluster keeps the weight 2 of first, and not 1: change it with PATCH /cluster/nodes/first at a proxy',
    ]);
  });

  it('has what the primary acknowledged, and says where the partition is', async () => {
    const { first, second } = await startCopies();
    expect(await first.operations.set([{ ...ITEM, ttlMs: 60_000 }])).toMatchObject([{ ok: true }]);
    const [outcome] = second.engine.getMany([{ id: keyId(KEY), partition: PARTITION }]);
    expect(outcome).toMatchObject({ status: 'found', value: ITEM.value });
    const [refusal] = await second.operations.fetch([KEY]);
    expect(refusal).toMatchObject({
      code: 'wrong_node',
      message: expect.stringContaining('by first at 127'),
    });
  });

  it('takes the time of the cluster for its own', async () => {
    const { first } = await startCopies();
    await first.operations.set([ITEM]);
    const [outcome] = await first.operations.fetch([KEY]);
    expect(outcome?.ok && outcome.entry?.version).toBeGreaterThan(TIME_MS * 1000);
    expect(outcome?.ok && outcome.entry?.version).toBeLessThan((TIME_MS + 600_000) * 1000);
  });

  it('hands its partitions over before it ends, and announces its end', async () => {
    const { first, second } = await startCopies();
    await first.operations.set([ITEM]);
    await first.member.leave();
    await until(() => second.isServing());
    expect(await second.operations.fetch([KEY])).toMatchObject([{ ok: true, entry: { value: ITEM.value } }]);
    await first.member.close();
    const { bootId } = proxy.reports.filter(({ isEnding }) => isEnding).at(-1) ?? {};
    expect(bootId).toBe(proxy.bootIdOf('first'));
  });

  it('waits before it ends until the controller has had its copies removed, so that no write waits for them', async () => {
    const { second } = await startCopies();
    await second.member.leave();
    expect(proxy.topology.partitions[PARTITION]?.inSync).toEqual([proxy.bootIdOf('first')]);
  });

  it('gives its only copies to another node before it ends', async () => {
    const { first, second, copy } = await startPair();
    await until(() => first.member.openLinks > 0);
    await first.operations.set([ITEM]);
    const left = first.member.leave();
    proxy.change(PARTITION, { kind: 'nameLearner', learner: copy });
    await left;
    await until(() => second.isServing());
    expect(await second.operations.fetch([KEY])).toMatchObject([{ ok: true, entry: { value: ITEM.value } }]);
    expect(first.log.filter((line) => line.includes('partitions'))).toEqual([]);
  });

  it('gives pairs to a third node if the only other copy is of a node that leaves too', async () => {
    const { first } = await startCopies();
    const third = await startNode('third');
    await third.joined();
    await until(() => first.member.openLinks > 1);
    await first.operations.set([ITEM]);
    const [copy, learner] = [proxy.bootIdOf('second'), proxy.bootIdOf('third')];
    if (copy === undefined || learner === undefined) throw new TypeError('both have joined');
    proxy.leaving.add(copy);
    const left = first.member.leave();
    proxy.change(PARTITION, { kind: 'nameLearner', learner });
    await left;
    await until(() => third.isServing());
    expect(await third.operations.fetch([KEY])).toMatchObject([{ ok: true, entry: { value: ITEM.value } }]);
  });

  it.each([
    ['waits only so long for copies on other nodes, and logs how many partitions end with it', true],
    ['waits as long for copies if the proxies refuse its reports, because they may answer later', false],
  ])('%s', async (_, answers) => {
    const { first } = await startPair();
    await until(() => first.member.openLinks > 0);
    proxy.answersReports = answers;
    await givenUp(first.member.leave());
    expect(time.nowMs()).toBeGreaterThanOrEqual(LEAVE_TIMEOUT_MS);
    expect(first.log.at(-1)).toBe(
      '1 partitions end with this process, because no other node has a copy of them',
    );
  });

  it('goes on giving its only copies to others if one request is not answered', async () => {
    const { first, second, copy } = await startPair();
    await until(() => first.member.openLinks > 0);
    await first.operations.set([ITEM]);
    proxy.answersReports = false;
    const left = first.member.leave();
    await until(() => first.log.some((line) => line.includes('refused with 503')));
    proxy.answersReports = true;
    proxy.change(PARTITION, { kind: 'nameLearner', learner: copy });
    await left;
    await until(() => second.isServing());
    expect(first.log.filter((line) => line.includes('partitions'))).toEqual([]);
  });

  it('gives up if no proxy runs for some seconds, and logs that', async () => {
    const { first } = await startCopies();
    await proxy.close();
    const left = first.member.leave();
    await until(() => first.log.some((line) => line.includes('ECONNREFUSED')));
    await givenUp(left);
    expect(first.log.at(-1)).toBe('1 partitions were not handed over, because no proxy runs');
  });

  it('does not become primary while it leaves', async () => {
    const { first, second } = await startCopies();
    const bootId = proxy.bootIdOf('second');
    const { epoch = 0 } = proxy.topology.partitions[PARTITION] ?? {};
    if (bootId === undefined) throw new TypeError('it has joined');
    await until(() => second.member.replica?.epochOf(PARTITION) === epoch);
    const left = second.member.leave();
    const promotions = [{ partition: PARTITION, epoch }];
    expect(second.member.promotions({ clusterId: 'test', bootId, promotions })).toEqual({ partitions: [] });
    expect(first.isServing()).toBe(true);
    await left;
    expect(proxy.leaving).toContain(bootId);
  });

  it('becomes primary although it leaves if only it has the pairs, and gives them to another node', async () => {
    const { first, second, copy } = await startCopies();
    const third = await startNode('third');
    await third.joined();
    const learner = proxy.bootIdOf('third');
    if (learner === undefined) throw new TypeError('it has joined');
    await until(() => second.member.openLinks > 1);
    await first.operations.set([ITEM]);
    const { epoch = 0 } = proxy.topology.partitions[PARTITION] ?? {};
    nodes.splice(nodes.indexOf(first), 1);
    // The proxy does not note that it ends.
    await first.stop();
    await until(() => second.member.openLinks === 1);
    const left = second.member.leave();
    const question = { clusterId: 'test', bootId: copy, promotions: [{ partition: PARTITION, epoch }] };
    expect(second.member.promotions(question)).toEqual({ partitions: [PARTITION] });
    await until(() => proxy.topology.partitions[PARTITION]?.primary === copy);
    proxy.change(PARTITION, { kind: 'nameLearner', learner });
    await left;
    await until(() => third.isServing());
    expect(await third.operations.fetch([KEY])).toMatchObject([{ ok: true, entry: { value: ITEM.value } }]);
  });

  it('hands its partitions over also if its engine fails to say how full it is', async () => {
    const { first, second } = await startCopies();
    jest.spyOn(first.engine, 'stats').mockImplementation(() => {
      throw new Error('the disk is full');
    });
    await until(() => first.log.includes(`${PROBLEM}: the disk is full`));
    const left = first.member.leave();
    await until(() => second.isServing());
    // The controller does not know that the node leaves.
    await givenUp(left);
    expect(first.log.at(-1)).toBe(`${PROBLEM}: the disk is full`);
  });

  it.each([
    ['its reports are not answered', 'answersReports'],
    ['requests for a newer topology are not answered', 'tellsNews'],
  ] as const)('learns of a changed topology although %s', async (_, ability) => {
    proxy[ability] = false;
    const node = await startNode('first');
    await node.joined();
    const primary = proxy.bootIdOf('first');
    if (primary === undefined) throw new TypeError('it has joined');
    proxy.change(PARTITION, { kind: 'start', primary, instead: undefined, copies: [] });
    await until(() => node.isServing());
  });

  it('reads the topology only if it is still behind at the report after the one that said so', async () => {
    proxy.tellsNews = false;
    const node = await startNode('first');
    await node.joined();
    await reported(node.member.bootId);
    const { revision } = proxy.topology;
    const { length } = proxy.reports;
    proxy.topology = { ...proxy.topology, revision: revision + 1 };
    await until(() => node.member.topology?.revision === revision + 1);
    expect(proxy.reads).toEqual([length + 2]);
  });

  it('does what the controller orders', async () => {
    const { first, second } = await startCopies();
    const [from, to] = [proxy.bootIdOf('first'), proxy.bootIdOf('second')];
    const { epoch = 0 } = proxy.topology.partitions[PARTITION] ?? {};
    if (from === undefined || to === undefined) throw new TypeError('both have joined');
    proxy.orders.set(from, [{ kind: 'handOver', partition: PARTITION, epoch, to }]);
    await until(() => second.isServing());
    expect(first.isServing()).toBe(false);
  });

  it('fills learners at the rate that the proxy gives', async () => {
    const { first, second } = await startCopies();
    const [primary, copy] = [proxy.bootIdOf('first'), proxy.bootIdOf('second')];
    if (primary === undefined || copy === undefined) throw new TypeError('both have joined');
    await first.operations.set([ITEM]);
    proxy.transferBytesPerSecond = 1;
    await reported(primary);
    proxy.change(PARTITION, { kind: 'remove', by: primary, copy });
    proxy.change(PARTITION, { kind: 'nameLearner', learner: copy });
    const hasSent = () =>
      proxy.reports
        .findLast(({ bootId }) => bootId === primary)
        ?.fills.some(({ sentBytes }) => sentBytes > 0) === true;
    await until(hasSent);
    expect(proxy.topology.partitions[PARTITION]?.inSync).toEqual([primary]);
    proxy.transferBytesPerSecond = undefined;
    await until(() => proxy.topology.partitions[PARTITION]?.inSync.length === 2);
    expect(second.isServing()).toBe(false);
  });

  it('joins again if its registration is gone, and logs that', async () => {
    const node = await startNode('first');
    await node.joined();
    proxy.topology = removeNode(proxy.topology, 'first');
    await until(() => proxy.bootIdOf('first') !== undefined);
    await until(() => node.log.length > 1);
    expect(node.log[1]).toContain('joined the cluster again as first, because');
  });

  it('with a directory that was restored from a backup takes a new boot id, and is filled', async () => {
    const { first, second: restored } = await startRestored();
    const { replication } = restored.engine;
    jest.spyOn(replication, 'start').mockResolvedValueOnce(BACKUP);
    jest.spyOn(replication, 'renewBootId').mockRejectedValueOnce(new Error('the disk is full'));
    await first.operations.set([ITEM]);
    await restored.joined();
    const renewed = proxy.bootIdOf('second');
    if (renewed === undefined) throw new TypeError('it has joined');
    expect(renewed).not.toBe(BACKUP.bootId);
    expect(restored.log[0]).toBe(`${PROBLEM}: the disk is full`);
    expect(
      restored.log.filter((line) => line.includes('older than the one that the cluster knows')),
    ).toHaveLength(1);
    proxy.change(PARTITION, { kind: 'nameLearner', learner: renewed });
    await until(() => proxy.topology.partitions[PARTITION]?.inSync.includes(renewed) === true);
    expect(restored.engine.getMany([{ id: keyId(KEY), partition: PARTITION }])).toMatchObject([
      { status: 'found', value: ITEM.value },
    ]);
  });

  it('agrees to become primary only at the epoch that it knows', async () => {
    const { second } = await startCopies();
    const bootId = proxy.bootIdOf('second');
    const { epoch = 0 } = proxy.topology.partitions[PARTITION] ?? {};
    if (bootId === undefined) throw new TypeError('it has joined');
    await until(() => second.member.replica?.epochOf(PARTITION) === epoch);
    const ask = (promotions: { partition: number; epoch: number }[]) =>
      second.member.promotions({ clusterId: 'test', bootId, promotions });
    const other = (PARTITION + 1) % 4096;
    expect(
      ask([
        { partition: PARTITION, epoch },
        { partition: other, epoch },
      ]),
    ).toEqual({ partitions: [PARTITION] });
    expect(ask([{ partition: PARTITION, epoch: epoch - 1 }])).toEqual({ partitions: [] });
  });

  it('refuses a question to another process', async () => {
    const { first } = await startCopies();
    const bootId = proxy.bootIdOf('second');
    if (bootId === undefined) throw new TypeError('it has joined');
    const ask = () => first.member.promotions({ clusterId: 'test', bootId, promotions: [] });
    expect(ask).toThrow(expect.objectContaining({ code: 'unknown_node' }));
  });
});

describe('a node without --join', () => {
  it('joins the cluster of a proxy that invites it, once', async () => {
    const node = await startNode(undefined, []);
    expect(await node.operations.set([ITEM])).toMatchObject([{ ok: true }]);
    await node.member.invited({ proxy: url, address: 'localhost:1' });
    await node.joined();
    await node.member.invited({ proxy: 'http://127.0.0.1:1', address: 'localhost:2' });
    expect(proxy.topology.nodes).toMatchObject([{ id: 'localhost:1', address: 'localhost:1' }]);
    expect(await node.operations.fetch([KEY])).toMatchObject([{ code: 'wrong_node' }]);
  });

  it('serves by itself until it has found a proxy', async () => {
    const node = await startNode(undefined, []);
    await node.member.invited({ proxy: 'http://127.0.0.1:1', address: 'localhost:1' });
    await until(() => node.log.length > 0);
    expect(node.log[0]).toContain(PROBLEM);
    expect(node.member.obstacle).toBeUndefined();
    expect(await node.operations.set([ITEM])).toMatchObject([{ ok: true }]);
    await node.member.invited({ proxy: url, address: 'localhost:1' });
    await node.joined();
  });

  it('serves nothing from its request to join until it has the answer', async () => {
    const node = await startNode(undefined, []);
    proxy.answersJoins = false;
    await node.member.invited({ proxy: url, address: 'localhost:1' });
    await until(() => proxy.topology.nodes.length > 0 && node.log.length > 0);
    expect(node.member.obstacle).toContain('not joined');
    expect(() => node.operations.set([ITEM])).toThrow(expect.objectContaining({ code: 'not_ready' }));
    proxy.answersJoins = true;
    await node.joined();
  });

  it('asks a proxy that invites it later if the first one is gone', async () => {
    const node = await startNode(undefined, []);
    await node.member.invited({ proxy: url, address: 'localhost:1' });
    await node.joined();
    const { topology } = proxy;
    await proxy.close();
    proxy = new FakeProxy();
    proxy.topology = topology;
    await node.member.invited({ proxy: await proxy.start(), address: 'localhost:1' });
    await until(() => proxy.reports.length > 0);
  });
});
