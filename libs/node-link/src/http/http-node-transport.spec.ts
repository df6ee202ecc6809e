import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { text as textOf } from 'node:stream/consumers';
import { decodePartitions, stringKey, stringValue, type ScanRequest, type SetItem } from '@kvs/protocol';
import { TransportError, type TransportFailure } from '@kvs/router';
import { FakeHttpNode } from '../../test/fake-http-node.js';
import { ManualTime } from '../../test/manual-time.js';
import { connectPlain } from '../link/upgrade-to-link.js';
import { NodeDataTransport, type NodeTransportOptions } from '../node-data-transport.js';

const key = stringKey('k');
const item: SetItem = { key, value: stringValue('v') };
const everything: ScanRequest = { meta: false };

let node: FakeHttpNode;
let transport: NodeDataTransport;

function connect(nodeTimeoutMs: number, options: Partial<NodeTransportOptions> = {}): NodeDataTransport {
  return new NodeDataTransport(node.address, {
    protocol: 'http',
    nodeTimeoutMs,
    nodeConnections: 4,
    maxBatchItems: 100,
    stats: () => Promise.resolve({ engine: 'memory', keys: 3 }),
    ...options,
  });
}

beforeEach(async () => {
  node = await FakeHttpNode.start();
  transport = connect(60_000);
});
afterEach(async () => {
  transport.close();
  await node.stop();
});

async function failureOf(promise: Promise<unknown>): Promise<TransportFailure> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof TransportError) return error.failure;
  throw new TypeError('no transport error', { cause: error });
}

describe('a batch', () => {
  it('travels as the protocol has it', async () => {
    node.json({ keys_added: 2, keys_failed: [], versions: [1, 2], created: [true, false] });
    const outcomes = await transport.set([item, { ...item, ttlMs: 5, ifVersion: 0 }]);
    expect(outcomes).toEqual([
      { ok: true, version: 1, created: true },
      { ok: true, version: 2, created: false },
    ]);
    node.json({ keys_deleted: 1, keys_failed: [], deleted: [true, false] });
    await transport.delete([{ key }, { key, ifVersion: 3 }]);
    node.json([{ key, value: item.value, version: 4, ttl_ms: 5 }]);
    expect(await transport.fetch([key])).toEqual([
      { ok: true, entry: { value: item.value, version: 4, ttlMs: 5 } },
    ]);
    node.json([{ key, value: true }]);
    expect(await transport.query([key])).toEqual([{ ok: true, present: true }]);

    expect(node.requests.map(({ method, url, body }) => [method, url, JSON.parse(body)])).toEqual([
      ['PUT', '/set?meta=true', [item, { ...item, ttl_ms: 5, if_version: 0 }]],
      ['POST', '/delete?meta=true', [key, { key, if_version: 3 }]],
      ['POST', '/fetch?meta=true', [key]],
      ['POST', '/query', [key]],
    ]);
    expect(node.requests[0]?.headers['content-type']).toBe('application/json');
  });

  it('keeps text of every kind as it is', async () => {
    const data = '\u0000"\\/é\u2028😀';
    node.json([{ key, value: stringValue(data), version: 1 }]);
    expect(await transport.fetch([key])).toMatchObject([{ entry: { value: { data } } }]);
  });

  it('goes over connections that are kept', async () => {
    node.json([{ key, value: true }]);
    for (let i = 0; i < 10; i++) await transport.query([key]);
    // One may be on its way back to the pool while the next request begins.
    expect(new Set(node.requests.map(({ socket }) => socket)).size).toBeLessThanOrEqual(2);
  });

  it('that a node refuses fails with its reason, whatever the status', async () => {
    const problem = { code: 'engine_unavailable', detail: 'gone', status: 503 };
    node.json(problem, 503, 'application/problem+json');
    expect(await transport.query([key])).toEqual([
      { ok: false, code: 'engine_unavailable', message: `${node.address}: gone` },
    ]);
  });

  it('of which all items failed is answered item by item, whatever the status', async () => {
    const failure = { code: 'out_of_memory', message: 'full' };
    node.json({ keys_added: 0, keys_failed: [{ key, ...failure }], versions: [null] }, 507);
    expect(await transport.set([item])).toEqual([{ ok: false, ...failure }]);
  });

  it.each([
    ['a page of another server', 200, 'text/html', '<html>'],
    ['an error of another server', 404, 'text/html', '<html>'],
    ['a redirection', 302, 'text/plain', ''],
  ])('answered by %s is an error of the node', async (_, status, type, body) => {
    node.answer = (response) => {
      response.writeHead(status, { 'content-type': type, location: '/query' });
      response.end(body);
    };
    expect(await transport.query([key])).toEqual([expect.objectContaining({ code: 'node_error' })]);
    expect(node.requests).toHaveLength(1);
  });
});

describe('a node that fails', () => {
  const cut = (response: ServerResponse): void => void response.destroy();
  const cutInTheMiddle = (response: ServerResponse): void => {
    response.writeHead(200, { 'content-length': '1000' });
    response.write('{"keys_added":1,', () => response.destroy());
  };

  it('is unconnected when it refuses connections', async () => {
    await node.stop();
    expect(await failureOf(transport.set([item]))).toBe('unconnected');
    expect(await failureOf(transport.scan(everything))).toBe('unconnected');
  });

  it.each([
    ['before it answers', cut],
    ['in the middle of its answer', cutInTheMiddle],
  ])('is broken when the connection is cut %s', async (_, answer) => {
    node.answer = answer;
    expect(await failureOf(transport.set([item]))).toBe('broken');
    expect(await failureOf(transport.fetch([key]))).toBe('broken');
  });

  it('has its time when it does not answer, or not to the end', async () => {
    const time = new ManualTime();
    const timed = connect(1000, { timers: time });
    const failureInTime = async (call: Promise<unknown>): Promise<TransportFailure> => {
      const { length } = node.requests;
      while (node.requests.length === length) await setImmediate();
      time.pass(1000);
      return failureOf(call);
    };
    node.answer = () => undefined;
    expect(await failureInTime(timed.set([item]))).toBe('timeout');
    expect(await failureInTime(timed.scan(everything))).toBe('timeout');
    node.answer = (response) => void response.writeHead(200).write('[');
    expect(await failureInTime(timed.fetch([key]))).toBe('timeout');
    timed.close();
  });

  it('has seen nothing when it did not accept a connection in time', async () => {
    const time = new ManualTime();
    const sockets: Socket[] = [];
    const connectNever = (): Socket => {
      const socket = new Socket();
      sockets.push(socket);
      return socket;
    };
    const timed = connect(1000, { connect: connectNever, timers: time });
    const calls = [timed.set([item]), timed.scan(everything)].map(failureOf);
    while (sockets.length < 2) await setImmediate();
    time.pass(1000);
    expect(await Promise.all(calls)).toEqual(['unconnected', 'unconnected']);
    expect(sockets.map(({ destroyed }) => destroyed)).toEqual([true, true]);
    timed.close();
  });

  it('has seen nothing when its connection is closed before it is one', async () => {
    const closed = connect(60_000, { connect: () => new Socket().destroy() });
    expect(await failureOf(closed.set([item]))).toBe('unconnected');
    closed.close();
  });

  it('has seen nothing of what found no free connection', async () => {
    const time = new ManualTime();
    const narrow = connect(1000, { nodeConnections: 1, timers: time });
    node.answer = () => undefined;
    const calls = [narrow.query([key]), narrow.fetch([key])].map(failureOf);
    while (node.requests.length === 0) await setImmediate();
    time.pass(1000);
    expect(await Promise.all(calls)).toEqual(['timeout', 'unconnected']);
    expect(node.requests).toHaveLength(1);
    narrow.close();
  });

  it('has seen nothing of what waited for its key, however many they are', async () => {
    const time = new ManualTime();
    const patient = connect(1000, { timers: time });
    node.answer = () => undefined;
    const calls = Array.from({ length: 4000 }, () => failureOf(patient.set([item])));
    while (node.requests.length === 0) await setImmediate();
    time.pass(1000);
    const [first, ...others] = await Promise.all(calls);
    expect([first, ...new Set(others)]).toEqual(['timeout', 'unconnected']);
    node.json({ keys_added: 1, keys_failed: [], versions: [1], created: [true] });
    expect(await patient.set([item])).toEqual([{ ok: true, version: 1, created: true }]);
    expect(node.requests).toHaveLength(2);
    patient.close();
  });

  it('is spoken to again over a new connection after it cut one', async () => {
    node.answer = cut;
    await failureOf(transport.query([key]));
    node.json([{ key, value: true }]);
    expect(await transport.query([key])).toEqual([{ ok: true, present: true }]);
  });
});

describe('a scan', () => {
  const ndjson = (send: (response: ServerResponse) => void): void => {
    node.answer = (response) => {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      send(response);
    };
  };

  it('asks for its prefix and partitions, and gives the lines as they come', async () => {
    ndjson((response) => response.end('{"a":1}\n{"b":2}\n'));
    const { lines } = await transport.scan({
      meta: true,
      prefix: stringValue('a&b=ü'),
      partitions: [0, 7, 4095],
    });
    expect(await textOf(lines)).toBe('{"a":1}\n{"b":2}\n');
    const [request] = node.requests;
    const query = new URL(request?.url ?? '', 'http://node').searchParams;
    expect(Object.fromEntries(query)).toEqual({ meta: 'true', prefix: 'a&b=ü', encoding: 'string' });
    expect(decodePartitions(String(request?.headers['kvs-partitions']))).toEqual([0, 7, 4095]);
    expect(request?.headers.accept).toBe('application/x-ndjson');
  });

  it('begins before the node has sent everything', async () => {
    let finish: (() => void) | undefined;
    ndjson((response) => {
      response.write('{}\n');
      finish = () => response.end('[]\n');
    });
    const { lines } = await transport.scan(everything);
    const iterator = lines[Symbol.asyncIterator]();
    expect(String((await iterator.next()).value)).toBe('{}\n');
    finish?.();
    expect(String((await iterator.next()).value)).toBe('[]\n');
    expect((await iterator.next()).done).toBe(true);
  });

  it.each([
    ['a problem', 503, 'application/problem+json'],
    ['anything but lines', 200, 'text/html'],
  ])('that is answered by %s is refused', async (_, status, type) => {
    node.json({}, status, type);
    expect(await failureOf(transport.scan(everything))).toBe('refused');
  });

  it('is broken when the node cuts it', async () => {
    ndjson((response) => response.write('{}\n', () => response.destroy()));
    const { lines } = await transport.scan(everything);
    expect(await failureOf(textOf(lines))).toBe('broken');
  });

  it('is broken also when the node cuts it before anybody reads', async () => {
    let cut: (() => Promise<unknown>) | undefined;
    ndjson((response) => {
      response.write('{}\n');
      cut = () => {
        const { socket } = response;
        response.destroy();
        return socket ? once(socket, 'close') : Promise.resolve();
      };
    });
    const { lines } = await transport.scan(everything);
    await cut?.();
    // The other end of the connection learns of it in a later turn of the loop; a request shows that it had one.
    node.json([{ key, value: true }]);
    await transport.query([key]);
    expect(await failureOf(textOf(lines))).toBe('broken');
  });

  it('is broken when the node falls silent', async () => {
    const hasty = connect(30);
    ndjson((response) => response.write('{}\n'));
    const { lines } = await hasty.scan(everything);
    expect(await failureOf(textOf(lines))).toBe('broken');
    hasty.close();
  });

  it('that is closed unread ends the connection, so that the node stops', async () => {
    let stopped: Promise<unknown> | undefined;
    ndjson((response) => {
      response.write('{}\n');
      stopped = once(response, 'close');
    });
    const { close } = await transport.scan(everything);
    close();
    close();
    await stopped;
    expect(node.requests[0]?.socket.destroyed).toBe(true);
  });
});

it('asks for the state of a node in the way that it was given', async () => {
  expect(await transport.stats()).toEqual({ engine: 'memory', keys: 3 });
  expect(node.requests).toEqual([]);
});

it('has its connections made in the way that it was given, those for scans too', async () => {
  const port = Number(node.address.split(':')[1]);
  const hosts: string[] = [];
  const elsewhere = new NodeDataTransport('node.invalid:1', {
    protocol: 'http',
    nodeTimeoutMs: 60_000,
    nodeConnections: 1,
    maxBatchItems: 100,
    stats: () => Promise.resolve({ engine: 'memory', keys: 3 }),
    connect: (host) => {
      hosts.push(host);
      return connectPlain('127.0.0.1', port);
    },
  });
  node.json([{ key, value: true }]);
  expect(await elsewhere.query([key])).toEqual([{ ok: true, present: true }]);
  node.json([], 200);
  const scan = await elsewhere.scan({ ...everything, format: 'items' });
  expect(await textOf(scan.lines)).toBe('');
  expect(hosts).toEqual(['node.invalid', 'node.invalid']);
  elsewhere.close();
});

it('ends kept connections when it is closed', async () => {
  node.json([{ key, value: true }]);
  await transport.query([key]);
  const socket = node.requests[0]?.socket;
  if (socket === undefined) throw new TypeError('no request came');
  const closed = once(socket, 'close');
  transport.close();
  await closed;
  expect(socket.destroyed).toBe(true);
});
