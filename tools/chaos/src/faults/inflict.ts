import { setTimeout } from 'node:timers/promises';
import { between, type NetworkFault } from '../network/network.js';
import { UNNAMED } from '../network/relay.js';
import type { ChaosCluster } from '../servers/chaos-cluster.js';
import type { ChaosServer } from '../servers/chaos-server.js';
import type { Fault } from './fault.js';

/** Inflicts a fault, and resolves when it is over: the network is healed, the process runs again. */
export async function inflict(fault: Fault, cluster: ChaosCluster): Promise<void> {
  const { lastsMs } = fault;
  const othersThan = (server: string): string[] =>
    [...cluster.nodes.keys()].filter((name) => name !== server);
  const proxies = [UNNAMED, ...cluster.proxies.map(({ name }) => name)];
  const fail = async (network: NetworkFault): Promise<void> => {
    const heal = cluster.network.fail(network);
    await setTimeout(lastsMs);
    heal();
  };
  switch (fault.kind) {
    case 'kill':
      return cluster.restartNode(fault.server, 'SIGKILL', lastsMs);
    case 'restart':
      return cluster.restartNode(fault.server, 'SIGTERM', lastsMs);
    case 'pause':
      return pause(cluster.nodes.get(fault.server), lastsMs);
    case 'cut':
      return fail(between('cut', [fault.server], [fault.other]));
    case 'stall':
      return fail(between('stall', [fault.server], [fault.other]));
    case 'stallOneWay':
      return fail(between('stall', [fault.server], [fault.other], 'there'));
    case 'isolate':
      return fail(between('cut', [fault.server], othersThan(fault.server)));
    case 'mute':
      return fail(between('stall', [fault.server], othersThan(fault.server), 'there'));
    case 'stallProxies':
      return fail(between('stall', [fault.server], proxies));
    case 'killProxy':
      return killProxy(
        cluster.proxies.find(({ name }) => name === fault.server),
        lastsMs,
      );
    case 'join':
      return cluster.addNode();
    case 'drain':
      return cluster.removeNode(fault.server);
  }
}

async function pause(node: ChaosServer | undefined, forMs: number): Promise<void> {
  node?.signal('SIGSTOP');
  await setTimeout(forMs);
  node?.signal('SIGCONT');
}

async function killProxy(proxy: ChaosServer | undefined, awayMs: number): Promise<void> {
  await proxy?.stop('SIGKILL');
  await setTimeout(awayMs);
  await proxy?.start();
}
