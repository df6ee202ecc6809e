import { connect } from 'node:net';
import { ServerPort } from './server-port.js';

let accepted: number;
let serverPort: ServerPort;
beforeEach(() => {
  accepted = 0;
  serverPort = new ServerPort('http', { host: '127.0.0.1', port: 0 }, (socket) => {
    accepted++;
    socket.destroy();
  });
});
afterEach(() => serverPort.close());

/** Connects and waits for the end, or the refusal, of the connection. */
async function visit(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.resume();
  await new Promise((resolve) => socket.once('close', resolve));
}

it('reopens the same port', async () => {
  const port = (await serverPort.open()) ?? 0;
  await visit(port);
  serverPort.close();
  await visit(port);
  expect(accepted).toBe(1);
  expect(await serverPort.open()).toBe(port);
  await visit(port);
  expect(accepted).toBe(2);
});

it.each([
  ['at once', () => serverPort.close()],
  // Node has bound the port by then, and emits `listening` one tick later.
  ['between the binding and the event', () => process.nextTick(() => serverPort.close())],
])('does not open if it is closed %s', async (_, close) => {
  const port = (await serverPort.open()) ?? 0;
  serverPort.close();
  const opening = serverPort.open();
  close();
  expect(await opening).toBeUndefined();
  await visit(port);
  expect(accepted).toBe(0);
});

it('stays as it is when it is opened again', async () => {
  const port = (await serverPort.open()) ?? 0;
  expect(await serverPort.open()).toBeUndefined();
  await visit(port);
  expect(accepted).toBe(1);
});

it('survives a connection that breaks before a worker has it', async () => {
  const breaking = new ServerPort('http', { host: '127.0.0.1', port: 0 }, (socket) => {
    socket.destroy(new Error('the connection broke'));
  });
  const port = (await breaking.open()) ?? 0;
  await visit(port);
  breaking.close();
  expect(await serverPort.open()).toBeGreaterThan(0);
});

it('can be opened when the port is free again', async () => {
  const port = (await serverPort.open()) ?? 0;
  const other = new ServerPort('http', { host: '127.0.0.1', port }, (socket) => socket.destroy());
  await expect(other.open()).rejects.toThrow('the port is in use');
  serverPort.close();
  expect(await other.open()).toBe(port);
  other.close();
});

it('is open if it is closed and opened again while it opens', async () => {
  const first = serverPort.open();
  serverPort.close();
  expect(await serverPort.open()).toBeUndefined();
  const port = (await first) ?? 0;
  await visit(port);
  expect(accepted).toBe(1);
});
