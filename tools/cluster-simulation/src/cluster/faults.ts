import type { BootId, Topology } from '@kvs/topology';
import type { Fault, Target, Way } from '../scenario.js';
import type { Connection, Network } from '../world/network.js';
import type { Process } from '../world/process.js';
import type { Random } from '../world/random.js';
import type { SimulatedCluster } from './cluster.js';
import type { SimulatedNode } from './node.js';

/** Lets one fault happen at its time, and end. */
export function planFault(cluster: SimulatedCluster, fault: Fault): void {
  cluster.scheduler.after(fault.atMs - cluster.scheduler.nowMs, () => {
    const undo = begin(cluster, fault);
    if (undo !== undefined) cluster.scheduler.after(fault.forMs, undo);
  });
}

function begin(cluster: SimulatedCluster, fault: Fault): (() => void) | undefined {
  const { cell, partitionCount } = cluster;
  switch (fault.kind) {
    case 'slowStore':
      note(cluster, fault, 'store');
      cell.slow(1);
      return () => cell.slow(-1);
    case 'awayStore':
      note(cluster, fault, 'store');
      cell.away(1);
      return () => cell.away(-1);
    case 'handOver': {
      const partition = fault.partition % partitionCount;
      const entry = cell.topology.partitions[partition];
      const others = entry?.inSync.filter((copy) => copy !== entry.primary) ?? [];
      const to = others[fault.to % others.length];
      const node = cluster.nodes.find(({ bootId }) => bootId === entry?.primary);
      if (entry === undefined || to === undefined || node === undefined) return undefined;
      note(cluster, fault, `${partition} to ${to}`);
      const order = { kind: 'handOver', partition, epoch: entry.epoch, to } as const;
      node.process.receive(() => node.obey(order));
      return undefined;
    }
    case 'settings':
      note(cluster, fault, 'topology');
      cluster.changeSettings(fault);
      return undefined;
    case 'mistake':
      cluster.mistake(fault.partition % partitionCount, fault.to);
      return undefined;
    default: {
      const node = nodeOf(cluster, fault.node);
      if (node === undefined) return undefined;
      note(cluster, fault, node.process.name);
      return beginAtNode(cluster, fault, node);
    }
  }
}

type NodeFault = Extract<Fault, { node: Target }>;

function beginAtNode(
  cluster: SimulatedCluster,
  fault: NodeFault,
  node: SimulatedNode,
): (() => void) | undefined {
  const { process } = node;
  const otherNodes = cluster.nodes.filter((one) => one !== node).map((one) => one.process);
  const proxies = cluster.proxies.map((proxy) => proxy.process);
  switch (fault.kind) {
    case 'pause':
      process.pause({ suspended: fault.suspended });
      return () => {
        cluster.trace.add(process.name, 'resumes');
        process.resume(fault.order);
      };
    case 'crash':
      if (!process.isUp || !cluster.maySpare(node)) return undefined;
      node.crash();
      return () => {
        if (!process.isUp) node.start();
      };
    case 'stop': {
      if (!process.isUp || !cluster.maySpare(node)) return undefined;
      process.receive(() => node.leave());
      let isOver = false;
      const end = (): void => {
        // Real nodes in memory wait too until others have copies of their pairs.
        if (!cluster.maySpare(node)) return void process.after(LEAVING_MS / 4, end);
        node.stop();
        if (isOver) node.start();
      };
      process.after(cluster.random.between(0, LEAVING_MS), end);
      return () => {
        isOver = true;
        if (!process.isUp) node.start();
      };
    }
    case 'stall':
    case 'cut': {
      const others = [...otherNodes, ...proxies];
      const peer = others[fault.peer % others.length];
      return peer && disturb(cluster.network, process, [peer], fault.way, fault.kind);
    }
    case 'isolate': {
      const peers = fault.fromProxies ? [...otherNodes, ...proxies] : otherNodes;
      return disturb(cluster.network, process, peers, fault.way, 'cut');
    }
    case 'slowEngine':
      node.isSlow = true;
      return () => (node.isSlow = false);
    case 'clock':
      process.drift();
      process.jump();
      return undefined;
    case 'drain':
      cluster.drain(node, true);
      return () => cluster.drain(node, false);
  }
}

function disturb(
  network: Network,
  process: Process,
  peers: readonly Process[],
  way: Way,
  kind: 'stall' | 'cut',
): () => void {
  const connections: Connection[] = [];
  for (const peer of peers) {
    if (way !== 'in') connections.push(network.connection(process, peer));
    if (way !== 'out') connections.push(network.connection(peer, process));
  }
  for (const connection of connections) {
    if (kind === 'stall') connection.stall();
    else connection.cut();
  }
  return () => {
    for (const connection of connections) {
      if (kind === 'stall') connection.flow();
      else connection.mend();
    }
  };
}

function nodeOf(
  { nodes, cell, random, partitionCount }: SimulatedCluster,
  target: Target,
): SimulatedNode | undefined {
  if (target.role === 'node') return nodes[target.index % nodes.length];
  const bootId = roleOf(cell.topology, target, partitionCount, random);
  return nodes.find((node) => node.bootId === bootId);
}

function roleOf(
  topology: Topology,
  target: Exclude<Target, { role: 'node' }>,
  partitionCount: number,
  random: Random,
): BootId | undefined {
  const entry = topology.partitions[target.partition % partitionCount];
  if (target.role === 'primary') return entry?.primary;
  if (target.role === 'learner') return entry?.learner;
  return random.pick(entry?.inSync.filter((copy) => copy !== entry.primary) ?? []);
}

function note({ trace }: SimulatedCluster, fault: Fault, subject: string): void {
  if (!trace.isWanted) return;
  const { kind, forMs, ...details } = fault;
  trace.add('FAULT', `${kind} ${subject} for ${(forMs / 1000).toFixed(2)} s ${JSON.stringify(details)}`);
}

/** How long an orderly stop takes at most if nothing holds it up. */
const LEAVING_MS = 2000;
