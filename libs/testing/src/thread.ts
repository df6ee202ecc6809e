// A worker thread of `startKvs`: starts a node, sends its addresses, and stops the node at the first message.
import { parentPort } from 'node:worker_threads';
import { startStorageNode } from '@kvs/storage-node';
import type { KvsAddresses } from './index.cjs';

const HOST = '127.0.0.1';
const args = [HOST, '0', '--redis-port', 'auto', '--log-level', 'warn', ...process.argv.slice(2)];

const node = await startStorageNode(args, (error) => {
  throw error;
});
const [httpPort, redisPort] = [portOf('http'), portOf('redis')];
parentPort?.once('message', () => void node.stop());
parentPort?.postMessage({
  url: `http://${HOST}:${httpPort}`,
  redisUrl: `redis://${HOST}:${redisPort}`,
  httpPort,
  redisPort,
} satisfies KvsAddresses);

function portOf(protocol: string): number {
  const { port } = node.bound[protocol] ?? {};
  if (port === undefined) throw new TypeError(`the node does not listen for ${protocol}`);
  return port;
}
