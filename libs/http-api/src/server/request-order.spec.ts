import { connect } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import type { SetItem } from '@kvs/protocol';
import { MapOperations } from '../testing/map-operations.js';
import { exchange, requestBytes, type RawRequest } from '../testing/raw-exchange.js';
import { TestServer } from '../testing/test-server.js';

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
      return items.map(() => ({ ok: true, version: 1 }));
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
});
