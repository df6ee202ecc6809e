import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { until } from '@kvs/protocol/testing';
import { between, Network } from './network.js';
import { UNNAMED, type Relay } from './relay.js';

let network: Network;
let relay: Relay;
let server: Server;
const sockets: Socket[] = [];

/** Node `b` behind a relay: it answers every chunk with the same bytes in upper case. */
beforeEach(async () => {
  network = new Network();
  network.learn('boot-a', 'a');
  network.learn('boot-b', 'b');
  relay = await network.relayTo('b');
  server = createServer((socket) => {
    sockets.push(socket.on('error', () => undefined));
    socket.on('data', (data) => socket.write(data.toString().toUpperCase()));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  relay.target = typeof address === 'object' ? address?.port : undefined;
});
afterEach(() => {
  network.close();
  for (const socket of sockets.splice(0)) socket.destroy();
  server.close();
});

class Client {
  received = '';
  isClosed = false;
  readonly #socket: Socket;

  constructor(firstBytes: string) {
    const { hostname, port } = new URL(`http://${relay.address}`);
    this.#socket = connect(Number(port), hostname).setEncoding('utf8');
    sockets.push(this.#socket);
    this.#socket.on('data', (text: string) => (this.received += text));
    this.#socket.on('error', () => undefined).on('close', () => (this.isClosed = true));
    this.write(firstBytes);
  }

  write(text: string): void {
    this.#socket.write(text);
  }

  untilReceived(text: string): Promise<void> {
    return until(
      async () => this.received === text,
      () => `received ${this.received}`,
    );
  }

  untilClosed(): Promise<void> {
    return until(
      async () => this.isClosed,
      () => 'the connection is open',
    );
  }
}

it('passes bytes on, in both directions', async () => {
  await new Client('hello').untilReceived('HELLO');
});

it('breaks and refuses the connections of a node that is cut off, and no others', async () => {
  const [node, other] = [new Client('boot-a '), new Client('boot-c ')];
  await Promise.all([node.untilReceived('BOOT-A '), other.untilReceived('BOOT-C ')]);
  const heal = network.fail(between('cut', ['a'], ['b']));
  await node.untilClosed();
  await new Client('boot-a ').untilClosed();
  other.write('x');
  await other.untilReceived('BOOT-C X');
  heal();
  await new Client('boot-a ').untilReceived('BOOT-A ');
});

it('holds what a node sends while it is stalled, and delivers it in order afterwards', async () => {
  const node = new Client('boot-a ');
  await node.untilReceived('BOOT-A ');
  const heal = network.fail(between('stall', ['a'], ['b'], 'there'));
  const other = new Client('x');
  node.write('1');
  await other.untilReceived('X');
  node.write('2');
  other.write('y');
  await other.untilReceived('XY');
  expect(node.received).toBe('BOOT-A ');
  heal();
  await node.untilReceived('BOOT-A 12');
});

it('holds only what goes in the direction that is stalled', async () => {
  const node = new Client('boot-a ');
  await node.untilReceived('BOOT-A ');
  const heal = network.fail(between('stall', ['b'], ['a'], 'there'));
  node.write('one');
  await until(
    async () => server.listening && sockets.length > 0,
    () => '',
  );
  const other = new Client('two');
  await other.untilReceived('TWO');
  expect(node.received).toBe('BOOT-A ');
  heal();
  await node.untilReceived('BOOT-A ONE');
});

it('takes connections that name no node for those of proxies, also if they name the node that they ask', async () => {
  const [proxy, asking] = [new Client('GET '), new Client('boot-b boot-a ')];
  await Promise.all([proxy.untilReceived('GET '), asking.untilReceived('BOOT-B BOOT-A ')]);
  network.fail(between('cut', [UNNAMED], ['b']));
  await proxy.untilClosed();
});

it('refuses connections while the server behind is away', async () => {
  relay.target = undefined;
  await new Client('x').untilClosed();
});
