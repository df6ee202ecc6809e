import { connect, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { keyId, stringKey, stringValue, type FetchOutcome, type Key, type MaybePromise } from '@kvs/protocol';
import { MapOperations, until } from '@kvs/protocol/testing';
import { requestBytes, type RawRequest } from '../testing/raw-exchange.js';
import { TestServer } from '../testing/test-server.js';

const CLIENTS = 4;
/** More than the buffers at both ends of a connection hold. */
const VALUE_BYTES = 16 * 1024 * 1024;
const key = stringKey('large');
const batch: RawRequest = { method: 'POST', path: '/fetch', body: JSON.stringify([key]) };
const single: RawRequest = { method: 'GET', path: '/keys/large' };

/** Fetches at once, or all together when `CLIENTS` have asked. */
class LargeValue extends MapOperations {
  fetches = 0;
  readonly #held: (() => void)[] = [];

  constructor(readonly waits: boolean) {
    super();
    this.pairs.set(keyId(key), { key, value: stringValue('v'.repeat(VALUE_BYTES)), version: 1 });
  }

  override fetch(keys: readonly Key[]): MaybePromise<readonly FetchOutcome[]> {
    this.fetches++;
    if (!this.waits) return super.fetch(keys);
    return new Promise((resolve) => {
      this.#held.push(() => resolve(super.fetch(keys)));
      if (this.#held.length === CLIENTS) for (const answer of this.#held) answer();
    });
  }
}

describe.each([
  ['of the fast path, at once', batch, true, false],
  ['of the fast path, later', batch, true, true],
  ['of Express, at once', batch, false, false],
  ['of Express, later', batch, false, true],
  ['of one key, at once', single, true, false],
  ['of one key, later', single, true, true],
])('answers %s', (_, request, fastLane, waits) => {
  let operations: LargeValue;
  let server: TestServer;
  let clients: Socket[];
  beforeEach(async () => {
    operations = new LargeValue(waits);
    server = await TestServer.start(operations, { settings: { fastLane, maxInFlightBytes: 1024 * 1024 } });
    clients = Array.from({ length: CLIENTS }, () => connect(server.port, '127.0.0.1').pause());
    const connections = promisify(server.http.getConnections.bind(server.http));
    // Requests on connections that are accepted arrive in one turn of the event loop.
    await until(async () => (await connections()) === CLIENTS);
  });
  afterEach(async () => {
    for (const client of clients) client.destroy();
    await server.stop();
  });

  it('are refused when those before them exceed the budget', async () => {
    for (const client of clients) client.write(requestBytes(request));
    await until(() => server.admission.load.unreadBytes > 0);
    await setImmediate();
    expect(server.admission.load.unreadBytes).toBeLessThan(VALUE_BYTES + 1000);
    await until(() => server.admission.load.requests === 1);
    expect(operations.fetches).toBe(waits ? CLIENTS : 1);
  });
});
