import { setImmediate } from 'node:timers/promises';
import { KvsError } from '@kvs/protocol';
import { MemoryTopologyStore } from '@kvs/topology';
import { readConfig } from '../config.js';
import { ClusterMember } from './cluster-member.js';

it('a proxy that is stopped while it waits for the topology waits no longer', async () => {
  const { cluster } = readConfig(['--topology', 'memory'], {});
  if (cluster === undefined) throw new TypeError('the proxy is in no cluster');
  const store = new MemoryTopologyStore();
  store.read = () => Promise.reject(new KvsError('store_unavailable', 'no answer'));
  const warnings: unknown[] = [];
  const warn = (message: unknown) => {
    if (warnings.push(message) > 3) throw new Error('it goes on to wait');
  };
  const member = new ClusterMember({
    config: cluster,
    nodes: [],
    store,
    logger: { info: () => undefined, warn },
  });
  const listening = member.listening('http://localhost:1');
  while (warnings.length === 0) await setImmediate();
  await member.close();
  await listening;
  expect(warnings).toEqual(['the proxy waits for the topology: no answer']);
});
