import { connect } from 'node:net';
import { PortListener } from './port-listener.js';

let taken: number;
let listener: PortListener;
beforeEach(() => {
  taken = 0;
  listener = new PortListener({ host: '127.0.0.1', port: 0 }, (socket) => {
    taken++;
    socket.destroy();
  });
});
afterEach(() => listener.close());

/** Connects and waits for the end, or the refusal, of the connection. */
async function visit(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.resume();
  await new Promise((resolve) => socket.once('close', resolve));
}

it('reopens the same port', async () => {
  const port = (await listener.open()) ?? 0;
  await visit(port);
  listener.close();
  await visit(port);
  expect(taken).toBe(1);
  expect(await listener.open()).toBe(port);
  await visit(port);
  expect(taken).toBe(2);
});

it.each([
  ['at once', () => listener.close()],
  // Node has bound the port by then, and emits `listening` one tick later.
  ['between the binding and the event', () => process.nextTick(() => listener.close())],
])('does not say that it is open if it is closed %s', async (_, close) => {
  const port = (await listener.open()) ?? 0;
  listener.close();
  const opening = listener.open();
  close();
  expect(await opening).toBeUndefined();
  await visit(port);
  expect(taken).toBe(0);
});

it('is open if it is closed and opened again while it opens', async () => {
  const first = listener.open();
  listener.close();
  expect(await listener.open()).toBeUndefined();
  const port = (await first) ?? 0;
  await visit(port);
  expect(taken).toBe(1);
});
