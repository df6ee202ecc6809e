import { setTimeout } from 'node:timers/promises';
import { between, type NetworkFault } from '../network/network.js';
import { UNNAMED } from '../network/relay.js';
import type { ChaosCluster } from '../servers/chaos-cluster.js';
import type { ChaosServer } from '../servers/chaos-server.js';
import type { Fault } from './fault.js';

/** Inflicts a fault, and resolves when it is over: the network is healed, the process runs again. */
export async function inflict(fault: Fault, cluster: ChaosCluster): Promise<void> {
  const { kind, server, other, lastsMs } = fault;
  const others = [...cluster.nodes.keys()].filter((name) => name !== server);
  const proxies = [UNNAMED, ...cluster.proxies.map(({ name }) => name)];
  const fail = async (network: NetworkFault): Promise<void> => {
    const heal = cluster.network.fail(network);
    await setTimeout(lastsMs);
    heal();
  };
  switch (kind) {
    case 'kill':
      return cluster.restartNode(server, 'SIGKILL', lastsMs);
    case 'restart':
      return cluster.restartNode(server, 'SIGTERM', lastsMs);
    case 'pause':
      return pause(cluster.nodes.get(server), lastsMs);
    case 'cut':
      return fail(between('cut', [server], [other]));
    case 'stall':
      return fail(between('stall', [server], [other]));
    case 'stallOneWay':
      return fail(between('stall', [server], [other], 'there'));
    case 'isolate':
      return fail(between('cut', [server], others));
    case 'mute':
      return fail(between('stall', [server], others, 'there'));
    case 'stallProxies':
      return fail(between('stall', [server], proxies));
    case 'killProxy':
      return killProxy(
        cluster.proxies.find(({ name }) => name === server),
        lastsMs,
      );
    case 'join':
      return cluster.addNode();
    case 'drain':
      return cluster.removeNode(server);
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
