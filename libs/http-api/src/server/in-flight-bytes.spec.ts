import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { MapOperations } from '../testing/map-operations.js';
import { jsonOf, TestServer } from '../testing/test-server.js';

const MAX_IN_FLIGHT_BYTES = 1000;

let server: TestServer;
let slow: Socket[];
beforeEach(async () => {
  slow = [];
  server = await TestServer.start(new MapOperations(), {
    settings: { maxInFlightBytes: MAX_IN_FLIGHT_BYTES },
  });
});
afterEach(async () => {
  for (const socket of slow) socket.destroy();
  await server.stop();
});

/** A client that announces a body and sends none of it. Resolves when the server has read the announcement. */
async function announce(bytes: number): Promise<void> {
  const socket = connect(server.port, '127.0.0.1');
  slow.push(socket);
  socket.write(`PUT /set HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: ${bytes}\r\n\r\n`);
  await once(socket, 'data');
}

describe('while as many bytes of bodies are under way as may be', () => {
  beforeEach(() => announce(MAX_IN_FLIGHT_BYTES));

  it('another body is refused as overloaded', async () => {
    const answer = await server.sendJson('POST', '/query', []);
    expect([answer.status, jsonOf(answer)]).toMatchObject([503, { code: 'overloaded' }]);
    expect(answer.headers['retry-after']).toBe('1');
  });

  it('a request without a body is served', async () => {
    expect((await server.send('GET', '/fetch')).status).toBe(200);
  });
});

it('a body that is announced beyond the limit, and so not kept, does not count', async () => {
  await announce(99_999_999_999);
  expect((await server.sendJson('POST', '/query', [])).status).toBe(200);
  expect((await server.send('GET', '/fetch')).status).toBe(200);
});
