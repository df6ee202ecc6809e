import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { resetConnection } from './reset-connection.js';

let server: Server;
const accepted: Socket[] = [];

beforeAll(async () => {
  server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => accepted.push(socket));
  await once(server.listen(0, '127.0.0.1'), 'listening');
});

afterAll(async () => {
  for (const socket of accepted) socket.destroy();
  server.close();
  await once(server, 'close');
});

function connecting(): Socket {
  const { port } = server.address() as AddressInfo;
  return connect({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => undefined);
}

async function connected(): Promise<Socket> {
  const socket = connecting();
  await once(socket, 'connect');
  return socket;
}

it('resets an open connection', async () => {
  const arrived = once(server, 'connection') as Promise<[Socket]>;
  const socket = await connected();
  const [peer] = await arrived;
  const error = once(peer.resume(), 'error');
  resetConnection(socket);
  expect(await error).toMatchObject([{ code: 'ECONNRESET' }]);
});

it.each<[string, () => Promise<Socket>]>([
  ['is open', connected],
  ['has ended in this turn', async () => (await connected()).end()],
  ['has written and ended in this turn', async () => (await connected()).end('x')],
  ['is sending more than the other side reads', async () => (await connected()).end(Buffer.alloc(2 ** 26))],
  ['connects', async () => connecting()],
  ['connects, and has written and ended', async () => connecting().end('x')],
  ['is closed', async () => (await connected()).destroy()],
])('frees a socket that %s', async (_, open) => {
  const socket = await open();
  const closed = once(socket, 'close');
  resetConnection(socket);
  await closed;
  expect(socket.destroyed).toBe(true);
});
