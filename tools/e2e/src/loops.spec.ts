import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { startProxy, type LocalServer } from '@kvs-tools/local-cluster';
import { string } from './support/data.js';
import { send } from './support/http.js';

/** Forwards to a server that starts later, and counts requests. */
class Relay {
  port = 0;
  /** The number of forwarded requests. */
  requests = 0;
  target = 0;
  readonly #server: Server = createServer((client) => {
    const there = connect(this.target, 'localhost');
    client.on(
      'data',
      (bytes) => (this.requests += bytes.toString('latin1').split(' HTTP/1.1\r\n').length - 1),
    );
    client.pipe(there).pipe(client);
    client.on('error', () => there.destroy());
    there.on('error', () => client.destroy());
  });

  static async open(): Promise<Relay> {
    const relay = new Relay();
    await new Promise<void>((resolve) => relay.#server.listen(0, '127.0.0.1', resolve));
    relay.port = (relay.#server.address() as AddressInfo).port;
    return relay;
  }

  close(): void {
    this.#server.close();
  }
}

let relays: Relay[];
let proxies: LocalServer[];

beforeEach(async () => {
  relays = [await Relay.open(), await Relay.open()];
  proxies = [];
});
afterEach(async () => {
  await Promise.all(proxies.map((proxy) => proxy.kill()));
  for (const relay of relays) relay.close();
});

/** Starts a proxy behind the first relay. Its nodes are behind the others. */
async function start(behind: number, ...nodes: string[]): Promise<string> {
  const proxy = await startProxy(nodes);
  proxies.push(proxy);
  const relay = relays[behind];
  if (relay) relay.target = Number(new URL(proxy.origin).port);
  return proxy.origin;
}

const address = (index: number, host = 'localhost') => `${host}:${relays[index]?.port}`;
const requests = () => relays.reduce((sum, relay) => sum + relay.requests, 0);

/** Every request to the proxy is answered at once with the reason. */
async function expectLoops(origin: string, ...nodes: string[]): Promise<void> {
  const before = requests();
  const key = string('k');
  const loop = expect.objectContaining({ code: 'loop_detected' });
  const answers = [
    await send('PUT', `${origin}/set`, { body: [{ key, value: key }] }),
    await send('POST', `${origin}/delete`, { body: [key] }),
    await send('POST', `${origin}/fetch`, { body: [key] }),
    await send('POST', `${origin}/query`, { body: [key] }),
    await send('GET', `${origin}/keys/k`),
    await send('GET', `${origin}/fetch`),
    await send('GET', `${origin}/fetch?limit=10`),
  ];
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 508));
  expect(answers[0]?.json).toMatchObject({ keys_added: 0, keys_failed: [loop] });
  expect(answers[5]?.json).toEqual(loop);
  const ready = await send('GET', `${origin}/health/ready`);
  expect(ready.status).toBe(503);
  for (const node of nodes) expect(ready.text).toContain(node);
  const { json } = await send('GET', `${origin}/cluster`);
  const down = { state: 'down', reason: expect.stringContaining('is a proxy') };
  expect(json).toMatchObject({ nodes: nodes.map(() => down) });
  // One for each answer and node, and now and then one that asks for a link.
  expect(requests() - before).toBeLessThan(3 * nodes.length * (answers.length + 2));
}

it('a proxy that has itself as a node, by two names, answers at once with the reason', async () => {
  const names = [address(0), address(0, '127.0.0.1')];
  await expectLoops(await start(0, ...names), ...names);
});

it('two proxies that have each other as nodes answer at once with the reason', async () => {
  const first = await start(0, address(1));
  const second = await start(1, address(0));
  await expectLoops(first, address(1));
  await expectLoops(second, address(0));
});
