import { newTopology, registerNode, type BootId } from '@kvs/topology';
import { Http } from '../world/http.js';
import { Network } from '../world/network.js';
import { Process } from '../world/process.js';
import { Random } from '../world/random.js';
import { Scheduler } from '../world/scheduler.js';
import { TopologyCell } from '../world/topology-cell.js';
import type { Reply } from './calls.js';
import { SimulatedProxy } from './proxy.js';
import { SimulatedRouter } from './router.js';

const bootId = 'boot' as BootId;
let scheduler: Scheduler;
let network: Network;
let node: Process;
let proxy: Process;
let router: SimulatedRouter;
let served: ((reply: Reply) => void)[];
let replies: Reply[];

const done: Reply = { kind: 'done', results: new Map() };

beforeEach(() => {
  served = [];
  replies = [];
  scheduler = new Scheduler();
  const random = new Random(11);
  network = new Network(scheduler, random);
  [node, proxy] = ['node', 'proxy'].map((name) => new Process(name, scheduler, random)) as [Process, Process];
  node.start();
  proxy.start();
  const address = '10.0.0.1:80';
  const identity = { id: 'node', address, zone: '', weight: 1, bootId, isDurable: false, starts: 1 };
  const first = registerNode(newTopology({ clusterId: 'c', copies: 1, minInSync: 1 }), identity);
  const entry = { epoch: 1, primary: bootId, inSync: [bootId], learner: undefined };
  const topology = { ...first, partitions: [entry, ...first.partitions.slice(1)] };
  const cell = new TopologyCell(topology, scheduler, random, () => undefined);
  const http = new Http(scheduler, network, random);
  const control = new SimulatedProxy(proxy, cell, http, random, () => undefined, { R1: true });
  const serve = (_call: unknown, _epoch: number, reply: (reply: Reply) => void) => void served.push(reply);
  router = new SimulatedRouter(control, network, random, () => ({ process: node, bootId, serve }));
});

function begin(kind: 'read' | 'delete'): void {
  router.route({ partition: 0, key: '0a', act: { kind } }, (reply) => replies.push(reply));
  pass(1000);
}

function pass(ms: number): void {
  scheduler.run(scheduler.nowMs + ms, () => false);
}

it('passes the answer on', () => {
  begin('read');
  expect(served).toHaveLength(1);
  served[0]?.(done);
  pass(100);
  expect(replies).toEqual([done]);
});

it('tries again when the node is the wrong one, until the patience ends', () => {
  begin('delete');
  for (let i = 0; i < 100; i++) {
    served.splice(0).forEach((reply) => reply({ kind: 'wrongNode' }));
    pass(100);
  }
  expect(served).toEqual([]);
  expect(replies).toEqual([{ kind: 'failed', code: 'node_unavailable', maybeApplied: false }]);
});

it('waits for a node that cannot be reached', () => {
  network.connection(proxy, node).cut();
  begin('read');
  expect(served).toHaveLength(0);
  network.connection(proxy, node).mend();
  pass(1000);
  expect(served).toHaveLength(1);
});

it.each([
  ['forth', true],
  ['back', false],
])('does not send a write again whose connection broke on the way %s', (_, isForth) => {
  begin('delete');
  const [from, to] = isForth ? [proxy, node] : [node, proxy];
  network.connection(from, to).break();
  pass(10_000);
  expect(served).toHaveLength(1);
  expect(replies).toEqual([{ kind: 'failed', code: 'node_unavailable', maybeApplied: true }]);
  served[0]?.(done);
  pass(1000);
  expect(replies).toHaveLength(1);
});
