import { stringKey, type FetchOutcome } from '@kvs/protocol';
import { FakeHttpNode } from '../../test/fake-http-node.js';
import { weightOf } from '../batch.js';
import { DEFAULT_LINK_OPTIONS } from '../link/link-options.js';
import { callWith } from '../pending-call.js';
import { HttpClient, type HttpOptions } from './http-client.js';

let node: FakeHttpNode;
let client: HttpClient;
let reached: number;

async function start(options: Partial<HttpOptions> = {}): Promise<void> {
  reached = 0;
  node = await FakeHttpNode.start();
  const all = { ...DEFAULT_LINK_OPTIONS, nodeTimeoutMs: 60_000, nodeConnections: 8, ...BOUNDS, ...options };
  client = new HttpClient(node.address, all, () => void reached++);
}
afterEach(async () => {
  client.close();
  await node.stop();
});

const BOUNDS = { maxMergedItems: 1000, maxMergedBytes: 2 ** 20 };

function fetch(name: string): Promise<readonly FetchOutcome[]> {
  const items = [stringKey(name)];
  return callWith('fetch', items, weightOf({ kind: 'fetch', items }), (call) => client.submit(call));
}

it('tells when the node is reached, but not when it is in trouble', async () => {
  await start();
  node.json({ code: 'not_ready', detail: 'soon', status: 503 }, 503, 'application/problem+json');
  await fetch('a');
  expect(reached).toBe(0);
  node.json([{ key: stringKey('a'), value: null }]);
  await fetch('a');
  expect(reached).toBe(1);
});
