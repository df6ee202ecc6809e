import { setImmediate } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { KvsError } from '@kvs/protocol';
import { LocalTopologyStore } from '@kvs/topology';
import { readConfig } from '../config.js';
import { ClusterMember } from './cluster-member.js';

/** A proxy in a cluster whose store does not answer, and its warnings. */
function memberWithoutStore(): { member: ClusterMember; store: LocalTopologyStore; warnings: unknown[] } {
  const { cluster } = readConfig(['--topology', 'memory'], {});
  if (cluster === undefined) throw new TypeError('the proxy is in no cluster');
  const store = new LocalTopologyStore();
  store.read = () => Promise.reject(new KvsError('store_unavailable', 'no answer'));
  const warnings: unknown[] = [];
  const warn = (...entry: unknown[]) => void warnings.push(entry.at(-1));
  const logger = { info: () => undefined, warn };
  return {
    member: new ClusterMember({ config: cluster, nodes: [], maxInFlightRequests: 100, store, logger }),
    store,
    warnings,
  };
}

afterEach(() => void jest.useRealTimers());

it('a proxy that is stopped while it waits for the topology waits no longer', async () => {
  const { member, warnings } = memberWithoutStore();
  const listening = member.listening('http://localhost:1');
  while (warnings.length === 0) await setImmediate();
  await member.close();
  await listening;
  expect(warnings).toEqual(['the proxy waits for the topology: no answer']);
});

it('a proxy that waits for the topology logs each reason once', async () => {
  const { member, store, warnings } = memberWithoutStore();
  let tries = 0;
  store.read = () => Promise.reject(new KvsError('store_unavailable', `etcd ${tries++ % 2} is away`));
  jest.useFakeTimers();
  const listening = member.listening('http://localhost:1');
  while (tries < 6) await jest.advanceTimersByTimeAsync(1000);
  expect(warnings).toEqual([
    'the proxy waits for the topology: etcd 0 is away',
    'the proxy waits for the topology: etcd 1 is away',
  ]);
  await member.close();
  await listening;
});

it('a proxy whose topology cannot be read for another reason does not wait', async () => {
  const { member, store } = memberWithoutStore();
  store.read = () => Promise.reject(new KvsError('invalid_topology', 'no JSON'));
  await expect(member.listening('http://localhost:1')).rejects.toThrow('no JSON');
  await member.close();
});

describe('the time at which a request came (R1)', () => {
  let nowMs = 1000;
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['performance'] });
    jest.spyOn(performance, 'now').mockImplementation(() => nowMs);
  });
  afterEach(() => {
    jest.restoreAllMocks();
    jest.useRealTimers();
  });

  it('is now while the process runs, and before the pause if the process stood still', async () => {
    const { member } = memberWithoutStore();
    nowMs = 2000;
    jest.advanceTimersByTime(1000);
    nowMs = 2300; // a timer that is a little late is no pause
    expect(member.receivedMs()).toBe(2300);
    nowMs = 9000;
    expect(member.receivedMs()).toBe(2000);
    jest.advanceTimersByTime(200);
    expect(member.receivedMs()).toBe(9000);
    await member.close();
  });
});
