import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import type { SetItem } from '@kvs/protocol';
import { MapOperations } from '../testing/map-operations.js';
import { exchange, exchangeBytes, requestBytes, type RawRequest } from '../testing/raw-exchange.js';
import { TestServer } from '../testing/test-server.js';
import { startInOrder } from './request-order.js';

/** Writes take turns of the event loop, reads none. */
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

describe.each([true, false])('requests sent without waiting, with the fast lane %s', (fastLane) => {
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

  it('wait only for those of their own connection', async () => {
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
    socket.destroy();
    await other.inFlight.drain();
    for (const letGo of held) letGo();
    await other.stop();
    expect([held.length, operations.pairs.size]).toEqual([1, 0]);
  });

  it('are not started behind an answer that closes the connection, and are counted no more', async () => {
    const operations = new MapOperations();
    const other = await TestServer.start(operations, { settings: { fastLane, maxInFlightBytes: 10 } });
    const holding = connect(other.port, '127.0.0.1');
    const body = requestBytes(write);
    holding.write(body.subarray(0, -1));
    await until(() => other.inFlight.load.requests === 1);
    // The second is refused for its bytes, by an answer that closes the connection; the third is behind it.
    const answers = await exchange(other.port, [
      { method: 'GET', path: '/keys/k' },
      write,
      { method: 'DELETE', path: '/keys/k' },
    ]);
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 404', 'HTTP/1.1 503']);
    holding.write(body.subarray(-1));
    await other.inFlight.drain();
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

/** Waits, a turn of the event loop at a time. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await setImmediate();
}

it('a connection that is kept does not keep its last request', async () => {
  const sockets: Socket[] = [];
  const server = createServer((request, response) => {
    sockets.push(request.socket);
    startInOrder(request, response, () => response.end('answer'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.write(requestBytes(write));
  await once(client, 'data');
  const [socket] = sockets;
  if (socket === undefined) throw new TypeError('no request came');
  const kept = (): unknown[] =>
    Object.getOwnPropertySymbols(socket)
      .filter(({ description }) => description === 'last response')
      .map((symbol) => Reflect.get(socket, symbol));
  await until(() => kept()[0] === undefined);
  expect(kept()).toEqual([undefined]);
  client.destroy();
  server.close();
});
