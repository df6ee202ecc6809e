import { freePorts, isPortFree } from '@kvs/protocol/testing';
import { LocalCluster } from './local-cluster.js';

it('leaves no node running if the proxy does not start', async () => {
  const port = await freePorts(1);
  const options = { nodeArgs: ['--redis-port', `${port}`], proxyArgs: ['--no-such-option'] };
  await expect(LocalCluster.start(1, options)).rejects.toThrow('no-such-option');
  expect(await isPortFree(port, 'localhost')).toBe(true);
});

it('leaves no node running if another does not start', async () => {
  const port = await freePorts(1);
  // Only one of them gets the port.
  const starting = LocalCluster.start(2, { nodeArgs: ['--redis-port', `${port}`] });
  await expect(starting).rejects.toThrow('the port is in use');
  expect(await isPortFree(port, 'localhost')).toBe(true);
});
