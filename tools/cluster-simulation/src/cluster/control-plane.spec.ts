import { newTopology, registerNode, type BootId, type EntryRequest, type Topology } from '@kvs/topology';
import { Http } from '../world/http.js';
import { Network } from '../world/network.js';
import { Process } from '../world/process.js';
import { Random } from '../world/random.js';
import { Scheduler } from '../world/scheduler.js';
import { TopologyCell } from '../world/topology-cell.js';
import { SimulatedProxy } from './proxy.js';

const [a, b, c] = ['a', 'b', 'c'] as BootId[] as [BootId, BootId, BootId];

let scheduler: Scheduler;
let cell: TopologyCell;
let proxies: SimulatedProxy[];
let network: Network;
let agreeing: Set<BootId>;

beforeEach(() => {
  scheduler = new Scheduler();
  const random = new Random(3);
  network = new Network(scheduler, random);
  const http = new Http(scheduler, network, random);
  let first: Topology = newTopology({ clusterId: 'c', copies: 3, minInSync: 1 });
  for (const [i, bootId] of [a, b, c].entries())
    first = registerNode(first, {
      id: bootId,
      address: `10.0.0.${i}:80`,
      zone: '',
      weight: 1,
      bootId,
      isDurable: false,
      starts: 1,
    });
  const entry = { epoch: 1, primary: a, inSync: [a, b, c], learner: undefined };
  cell = new TopologyCell(
    { ...first, partitions: [entry, ...first.partitions.slice(1)] },
    scheduler,
    random,
    () => undefined,
  );
  agreeing = new Set([a, b, c]);
  const node = started('node');
  const candidate = { process: node, agrees: (bootId: BootId) => agreeing.has(bootId) };
  proxies = ['p1', 'p2'].map(
    (name) => new SimulatedProxy(started(name), cell, http, random, () => candidate, { R1: true }),
  );
});

function started(name: string): Process {
  const process = new Process(name, scheduler, new Random(7));
  process.start();
  return process;
}

function ask(proxy: number, change: EntryRequest['change'], epoch = 1): () => Topology | undefined {
  let answered: Topology | undefined;
  proxies[proxy]?.change([{ partition: 0, epoch, change }], (topology) => (answered = topology));
  return () => answered;
}

function pass(ms: number): void {
  scheduler.run(scheduler.nowMs + ms, () => false);
}

const entry = () => cell.topology.partitions[0];

it('makes only one of two changes that were asked for at the same epoch', () => {
  const answers = [ask(0, { kind: 'remove', by: a, copy: b }), ask(1, { kind: 'remove', by: a, copy: c })];
  pass(5000);
  expect(entry()?.inSync).toHaveLength(2);
  for (const answer of answers) expect(answer()?.partitions[0]).toEqual(entry());
});

it('makes changes of other partitions although the document changed in between', () => {
  ask(0, { kind: 'remove', by: a, copy: b });
  let registered = false;
  proxies[1]?.update((topology) => {
    registered = true;
    return { ...topology, revision: topology.revision + 1, versionCeiling: 5 };
  });
  pass(8000);
  expect(registered).toBe(true);
  expect(entry()?.inSync).toEqual([a, c]);
  expect(cell.topology.versionCeiling).toBe(5);
});

it('drops a request that is older than a second', () => {
  cell.slow(1);
  for (let i = 0; i < 20; i++) ask(i % 2, { kind: 'rewrite' });
  pass(600);
  cell.slow(-1);
  pass(20_000);
  const { revision } = cell.topology;
  ask(0, { kind: 'rewrite' }, 1);
  pass(20_000);
  expect(cell.topology.revision).toBe(revision);
});

it.each([
  [true, b],
  [false, a],
])('asks a copy before it is promoted: it agrees %s', (agrees, primary) => {
  if (!agrees) agreeing.delete(b);
  ask(0, { kind: 'promote', copy: b, instead: a });
  pass(5000);
  expect(entry()?.primary).toBe(primary);
});

it('does not promote a copy that cannot be reached', () => {
  for (const { process } of proxies)
    network.connection(process, { ...process, name: 'node' } as Process).cut();
  ask(0, { kind: 'promote', copy: b, instead: a });
  pass(5000);
  expect(entry()?.primary).toBe(a);
});

it('answers nothing while the store is away, and changes nothing', () => {
  cell.away(1);
  const answer = ask(0, { kind: 'rewrite' });
  pass(20_000);
  expect(answer()).toBeUndefined();
  expect(entry()?.epoch).toBe(1);
});

it('may make a change that it reported as unknown, and never makes one twice', () => {
  cell.slow(1);
  let unknown = 0;
  for (let i = 0; i < 200; i++) {
    const next = { ...cell.topology, revision: cell.topology.revision + 1 };
    cell.replace(next, (result) => (unknown += result === 'unknown' ? 1 : 0));
    pass(8000);
    expect([next.revision - 1, next.revision]).toContain(cell.topology.revision);
  }
  expect(unknown).toBeGreaterThan(40);
  expect(cell.topology.revision).toBeGreaterThan(101);
});
