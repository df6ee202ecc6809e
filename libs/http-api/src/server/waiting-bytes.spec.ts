import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { DEFAULT_LIMITS } from '@kvs/protocol';
import { MapOperations, until } from '@kvs/protocol/testing';
import { connectTo } from '../testing/connect-to.js';
import { exchange, requestBytes, type RawRequest } from '../testing/raw-exchange.js';
import { TestServer } from '../testing/test-server.js';
import { RequestOrder } from './request-order.js';

const GET = requestBytes({ method: 'GET', path: '/' });
const LARGE = requestBytes({ method: 'GET', path: '/', headers: { 'x-large': 'a'.repeat(15_000) } });

describe('requests with large headers that wait', () => {
  let port: number;
  let stop: () => void;
  let first: Socket;
  let waiting: Map<Socket, number>;

  async function start(maxWaitingBytes: number): Promise<void> {
    const order = new RequestOrder(maxWaitingBytes);
    waiting = new Map();
    const { client, stop: end } = await connectTo((request, response) => {
      const { socket } = request;
      waiting.set(socket, (waiting.get(socket) ?? -1) + 1);
      order.add(request, response, () => undefined);
    });
    first = client;
    stop = end;
    await once(client, 'connect');
    port = client.remotePort ?? 0;
  }
  afterEach(() => stop());

  const counts = (): number[] => [...waiting.values()];

  it('stop the server from reading, however few they are', async () => {
    await start(Infinity);
    first.write(Buffer.concat(Array.from({ length: 60 }, () => LARGE)));
    await until(() => [...waiting.keys()].some((socket) => socket.isPaused()));
    expect(counts()[0]).toBeLessThan(50);
  });

  it('cut the connection with the most bytes when they take too many in all', async () => {
    await start(100_000);
    const small = connect(port, '127.0.0.1');
    small.write(Buffer.concat([GET, LARGE]));
    await until(() => counts().includes(1));
    first.write(Buffer.concat(Array.from({ length: 10 }, () => LARGE)));
    await once(first, 'close').catch(() => undefined);
    expect([...waiting.keys()].map(({ destroyed }) => destroyed)).toEqual([false, true]);
    small.destroy();
  });

  it('cut no connection that alone has such requests', async () => {
    await start(1);
    first.write(Buffer.concat(Array.from({ length: 10 }, () => LARGE)));
    await until(() => counts()[0] === 9);
    expect([...waiting.keys()].map(({ destroyed }) => destroyed)).toEqual([false]);
  });
});

it('bodies of requests that wait stop the server from reading', async () => {
  const operations = new MapOperations();
  let release: (() => void) | undefined;
  operations.query = (keys) =>
    new Promise((answer) => (release = () => answer(keys.map(() => ({ ok: true, present: true })))));
  const server = await TestServer.start(operations, {
    settings: { limits: { ...DEFAULT_LIMITS, maxBodyBytes: 2 ** 20 } },
  });
  const socket = new Promise<Socket>((resolve) => server.http.once('connection', resolve));
  const body = JSON.stringify([{ encoding: 'string', data: 'k' }]).padEnd(10_000);
  const query: RawRequest = { method: 'POST', path: '/query', body };
  const many = Array.from({ length: 40 }, () => ({ ...query, path: '/delete' }));
  const answers = exchange(server.port, [query, ...many]);
  await until(() => release !== undefined);
  const connection = await socket;
  await until(() => connection.isPaused());
  expect(connection.bytesRead).toBeLessThan(300_000);
  release?.();
  expect((await answers).match(/HTTP\/1.1 200/g)).toHaveLength(41);
  await server.stop();
});
