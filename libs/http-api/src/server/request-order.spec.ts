import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import type { SetItem } from '@kvs/protocol';
import { MapOperations, until } from '@kvs/protocol/testing';
import { connectTo } from '../testing/connect-to.js';
import { exchange, exchangeBytes, requestBytes, type RawRequest } from '../testing/raw-exchange.js';
import { TestServer } from '../testing/test-server.js';
import { RequestOrder, type Connection } from './request-order.js';

/** Writes take several turns of the event loop; reads answer at once. */
class SlowWrites extends MapOperations {
  override async set(items: readonly SetItem[]) {
    for (let turn = 0; turn < 5; turn++) await setImmediate();
    return super.set(items);
  }
}

const key = { encoding: 'string', data: 'k' };
const write: RawRequest = {
  method: 'PUT',
  path: '/set',
  body: JSON.stringify([{ key, value: { encoding: 'string', data: 'v' } }]),
};
const read: RawRequest = { method: 'POST', path: '/query', body: JSON.stringify([key]) };

const bodiesOf = (answers: string): string[] =>
  answers
    .split(/HTTP\/1\.1 /)
    .slice(1)
    .map((answer) => answer.split('\r\n\r\n')[1] ?? '');

const present = (value: boolean): string => JSON.stringify([{ key, value }]);

describe.each([true, false])('requests sent without waiting, with the fast path %s', (fastLane) => {
  let server: TestServer;
  beforeEach(async () => {
    server = await TestServer.start(new SlowWrites(), { settings: { fastLane } });
  });
  afterEach(() => server.stop());

  it('see what those before them on the connection did, and nothing of those after them', async () => {
    const answers = await exchange(server.port, [
      read,
      write,
      read,
      { method: 'GET', path: '/keys/k' },
      read,
    ]);
    expect(bodiesOf(answers)).toEqual([
      present(false),
      '{"keys_added":1,"keys_failed":[]}',
      present(true),
      'v',
      present(true),
    ]);
  });

  it('wait only for requests of their own connection', async () => {
    let letGo: (() => void) | undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    const operations = new MapOperations();
    operations.set = async (items) => {
      await held;
      return items.map(() => ({ ok: true, version: 1, created: true }));
    };
    const other = await TestServer.start(operations, { settings: { fastLane } });
    const slow = exchange(other.port, [write, read]);
    expect(bodiesOf(await exchange(other.port, [read]))).toEqual([present(false)]);
    letGo?.();
    expect(bodiesOf(await slow)).toHaveLength(2);
    await other.stop();
  });

  it('are dropped when the client goes away', async () => {
    const operations = new MapOperations();
    const held: (() => void)[] = [];
    const arrived = new Promise<void>((resolve) => {
      operations.query = (keys) =>
        new Promise((answer) => {
          held.push(() => answer(keys.map(() => ({ ok: true, present: true }))));
          resolve();
        });
    });
    const other = await TestServer.start(operations, { settings: { fastLane } });
    const socket = connect(other.port, '127.0.0.1');
    socket.write(Buffer.concat([read, write].map(requestBytes)));
    await arrived;
    socket.resetAndDestroy();
    await other.budget.drain();
    for (const letGo of held) letGo();
    await other.stop();
    expect([held.length, operations.pairs.size]).toEqual([1, 0]);
  });

  it('are not started or counted behind an answer that closes the connection', async () => {
    const operations = new MapOperations();
    const body = requestBytes(write);
    const other = await TestServer.start(operations, {
      settings: { fastLane, maxInFlightBytes: body.length },
    });
    const holding = connect(other.port, '127.0.0.1');
    holding.write(body.subarray(0, -1));
    await until(() => other.admission.load.requests === 1);
    // The second is refused for its bytes, by an answer that closes the connection; the third is behind it.
    const answers = await exchange(other.port, [
      { method: 'GET', path: '/keys/k' },
      write,
      { method: 'DELETE', path: '/keys/k' },
    ]);
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 404', 'HTTP/1.1 503']);
    holding.write(body.subarray(-1));
    await other.budget.drain();
    holding.destroy();
    await other.stop();
    expect(operations.pairs.size).toBe(1);
  });

  it('are answered before bytes that are not HTTP', async () => {
    const bytes = Buffer.concat([requestBytes(write), Buffer.from('hello\r\n\r\n')]);
    const answers = await exchangeBytes(server.port, [bytes]);
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400']);
  });
});

const GET = requestBytes({ method: 'GET', path: '/' });

describe('a connection with very many requests behind one that is not answered', () => {
  /** Answers the first request when a test says so, and the others at once. */
  async function hold(count: number) {
    const order = new RequestOrder(Infinity);
    const sockets: Socket[] = [];
    const seen = { sockets, arrived: 0, closed: 0, release: (): void => undefined };
    const { client, stop } = await connectTo((request, response) => {
      seen.sockets.push(request.socket);
      seen.arrived++;
      response.on('close', () => seen.closed++);
      order.add(request, response, () => {
        if (seen.closed > 0) response.end();
        else seen.release = () => void response.end();
      });
    });
    client.write(Buffer.concat(Array.from({ length: count }, () => GET)));
    return { seen, client, stop };
  }

  it('is not read from any further, until they are answered', async () => {
    const count = 20_000;
    const { seen, client, stop } = await hold(count);
    await until(() => seen.sockets[0]?.isPaused() === true);
    expect(seen.arrived).toBeLessThan(4000);
    seen.release();
    let answers = '';
    client.setEncoding('latin1').on('data', (text: string) => (answers += text));
    await until(() => seen.closed === count);
    await until(() => answers.split('HTTP/1.1 200').length === count + 1);
    stop();
  });

  it('may be cut by its client', async () => {
    const { seen, client, stop } = await hold(10_000);
    await until(() => seen.sockets[0]?.isPaused() === true);
    client.resetAndDestroy();
    seen.release();
    await until(() => seen.sockets[0]?.closed === true && seen.closed >= seen.arrived);
    await setImmediate();
    // Each response closes once, on every version of Node.
    expect(seen.closed).toBe(seen.arrived);
    stop();
  });

  it('is cut if they take too much memory, and not a connection with fewer', async () => {
    const order = new RequestOrder(900_000);
    const arrived = new Map<Socket, number>();
    const firsts = new Map<Socket, () => void>();
    const { client: other, stop } = await connectTo((request, response) => {
      const { socket } = request;
      arrived.set(socket, (arrived.get(socket) ?? 0) + 1);
      order.add(request, response, () => {
        if (firsts.has(socket)) response.end();
        else firsts.set(socket, () => void response.end());
      });
    });
    await once(other, 'connect');
    const most = connect(other.remotePort ?? 0, '127.0.0.1');
    most.on('error', () => undefined);
    const isCut = once(most, 'close');
    most.write(Buffer.concat(Array.from({ length: 301 }, () => GET)));
    await until(() => [...arrived.values()].includes(301));
    let answers = '';
    other.setEncoding('latin1').on('data', (text: string) => (answers += text));
    other.write(Buffer.concat(Array.from({ length: 101 }, () => GET)));
    await isCut;
    await until(() => [...arrived.values()].includes(101));
    for (const answer of firsts.values()) answer();
    await until(() => answers.split('HTTP/1.1 200').length === 102);
    stop();
  });
});

it('requests that wait on their connection are not counted as in flight', async () => {
  const operations = new MapOperations();
  let release: (() => void) | undefined;
  operations.query = (keys) =>
    new Promise((answer) => (release = () => answer(keys.map(() => ({ ok: true, present: true })))));
  const server = await TestServer.start(operations, { settings: { maxInFlightRequests: 2 } });
  const many = exchange(server.port, [read, ...Array.from({ length: 10 }, () => write)]);
  await until(() => release !== undefined);
  expect(server.admission.load.requests).toBe(1);
  expect(await exchange(server.port, [write])).toMatch(/^HTTP\/1.1 200/);
  release?.();
  expect((await many).match(/HTTP\/1.1 200/g)).toHaveLength(11);
  await server.stop();
});

it.each([
  ['are not late while the server does not read them', true, 404],
  ['are late if they do not come when the server reads on', false, 408],
])('headers %s', async (_, isWhole, status) => {
  const operations = new MapOperations();
  let release: (() => void) | undefined;
  operations.query = (keys) =>
    new Promise((answer) => (release = () => answer(keys.map(() => ({ ok: true, present: true })))));
  const server = await TestServer.start(operations, { settings: { headersTimeoutMs: 100 } });
  const many = Array.from({ length: 100 }, () => requestBytes({ method: 'GET', path: '/keys/k' }));
  const last = requestBytes({ method: 'GET', path: '/keys/k', headers: { connection: 'close' } });
  const begun = Buffer.concat([requestBytes(read), ...many, last.subarray(0, -2)]);
  const client = connect(server.port, '127.0.0.1');
  let answers = '';
  client.setEncoding('latin1').on('data', (text: string) => (answers += text));
  client.write(begun);
  await until(() => release !== undefined);
  // Late clients have their answer by now.
  for (let i = 0; i < 3; i++) await exchangeBytes(server.port, [last.subarray(0, -2)]);
  if (isWhole) client.write(last.subarray(-2));
  release?.();
  await once(client, 'close');
  expect(answers.match(/HTTP\/1.1 \d+/g)).toEqual([
    'HTTP/1.1 200',
    ...Array<string>(100).fill('HTTP/1.1 404'),
    `HTTP/1.1 ${status}`,
  ]);
  await server.stop();
});

it('a connection that is kept does not keep its last request', async () => {
  const connections: Connection[] = [];
  const order = new RequestOrder(1, (connection) => connections.push(connection));
  const { client, stop } = await connectTo((request, response) => {
    order.add(request, response, () => response.end('answer'));
  });
  client.write(GET);
  await once(client, 'data');
  await until(() => connections[0]?.current === undefined);
  expect(connections).toHaveLength(1);
  stop();
});
