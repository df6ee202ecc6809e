import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { KvsError, stringValue } from '@kvs/protocol';
import { until } from '@kvs/protocol/testing';
import { sendProgress } from '@kvs/server';
import type { Command } from '../command.js';
import { NotedOperations } from '../testing/noted-operations.js';
import type { RawClient } from '../testing/raw-client.js';
import { REFUSALS } from '../testing/refusals.js';
import { SlowCommand } from '../testing/slow-command.js';
import { TestRedis, type TestRedisOptions } from '../testing/test-redis.js';

const MIB = 2 ** 20;

let server: TestRedis;
let client: RawClient;
let operations: NotedOperations;

async function start(options: TestRedisOptions = {}): Promise<void> {
  operations = new NotedOperations();
  server = await TestRedis.start({ operations, ...options });
  client = await server.connect();
}

afterEach(() => {
  jest.restoreAllMocks();
  return server.close();
});

function heldBytes(): number {
  const { requestBytes, unreadBytes } = server.admission.load;
  return requestBytes + unreadBytes;
}

/** Returns both ends of a connection. */
async function socketPair(): Promise<readonly [Socket, Socket]> {
  const accepting = createServer().listen(0, '127.0.0.1');
  await once(accepting, 'listening');
  const near = connect((accepting.address() as AddressInfo).port, '127.0.0.1');
  near.on('error', () => near.destroy());
  const far = await new Promise<Socket>((resolve) => accepting.once('connection', resolve));
  accepting.close();
  return [near, far];
}

/** A promise with its resolution. */
function gate(): { readonly opened: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

/** Stops the timer of a listener that starts later. Returns a function that checks progress once, as the timer does each second. */
function manualChecks(): () => void {
  const timers = jest
    .spyOn(globalThis, 'setInterval')
    .mockImplementation(() => setTimeout(() => undefined, 0));
  return () => {
    for (const [check] of timers.mock.calls) check();
  };
}

it('answers all clients that ask in the same turn of the event loop', async () => {
  await start();
  const pairs = await Promise.all(Array.from({ length: 100 }, () => socketPair()));
  const received = pairs.map(() => '');
  for (const [i, [near, far]] of pairs.entries()) {
    near.on('data', (chunk: Buffer) => (received[i] += String(chunk)));
    server.open.listener.accept(far);
  }
  for (const [, far] of pairs) far.emit('data', Buffer.from('ping\r\nping\r\n'));
  await until(() => received.every((replies) => replies === '+PONG\r\n+PONG\r\n'));
  for (const [near] of pairs) near.destroy();
});

describe('pipelines', () => {
  it('answers in order, and sends consecutive calls of one kind as one batch', async () => {
    await start();
    const replies = await client.ask('set a 1', 'set b 2', 'get a', 'get b', 'get c', 'ping', 'get a');
    expect(replies).toBe('+OK\r\n+OK\r\n$1\r\n1\r\n$1\r\n2\r\n$-1\r\n+PONG\r\n$1\r\n1\r\n');
    expect(operations.batches).toEqual(['set a b', 'fetch a b c', 'fetch a']);
  });

  it('sends deletes of one key as one batch, and questions for the presence of one key', async () => {
    await start();
    const replies = await client.ask(
      ...['set a 1', 'set b 2', 'exists a', 'touch b', 'type c', 'exists a b'],
      ...['del a', 'unlink a', 'del b', 'del b c', 'type a', 'get a'],
    );
    expect(replies.match(/[^\r\n]+/g)).toEqual([
      ...['+OK', '+OK', ':1', ':1', '+none', ':2'],
      ...[':1', ':0', ':1', ':0', '+none', '$-1'],
    ]);
    expect(operations.batches).toEqual([
      ...['set a b', 'query a b c', 'query a b', 'delete a a b', 'delete b c', 'query a', 'fetch a'],
    ]);
  });

  it('answers in order if the operations take their time', async () => {
    await start();
    operations.hold = () => setImmediate();
    const other = await server.connect();
    const replies = await Promise.all([
      client.ask('set a 1', 'get a', 'ping', 'set a 2', 'get a'),
      other.ask('set b 1', 'get b', 'ping', 'set b 2', 'get b'),
    ]);
    expect(replies).toEqual(Array(2).fill('+OK\r\n$1\r\n1\r\n+PONG\r\n+OK\r\n$1\r\n2\r\n'));
  });

  it.each(REFUSALS)(
    'fetches values one by one if they are too large for one answer: %s',
    async (_, refuse) => {
      await start();
      await client.ask('set a 1', 'set b 2');
      const fetch = operations.fetch.bind(operations);
      operations.fetch = (keys) => (keys.length > 1 ? refuse(keys) : fetch(keys));
      expect(await client.ask('get a', 'get b', 'ping', 'get a')).toBe(
        '$1\r\n1\r\n$1\r\n2\r\n+PONG\r\n$1\r\n1\r\n',
      );
    },
  );

  it('reads little in vain if values are large, and lengths of values have no limit together', async () => {
    await start();
    const value = stringValue('x'.repeat(MIB));
    let values = 0;
    operations.fetch = (keys, maxBytes = Infinity) =>
      keys.map((_, i) => {
        values++;
        if ((i + 1) * MIB > maxBytes) throw new KvsError('answer_too_large', 'too large');
        return { ok: true, entry: { value, version: 1 } };
      });
    expect(await client.ask(...Array<string>(128).fill('strlen a'))).toBe(`:${MIB}\r\n`.repeat(128));
    expect(values).toBeLessThan(128 + 128 / 8);
  });

  it('answers an error if even one value is too large for the operations', async () => {
    await start();
    operations.fetch = () => Promise.reject(new KvsError('answer_too_large', 'too large'));
    expect(await client.ask('get a', 'get b', 'watch a b')).toBe('-ERR too large\r\n'.repeat(3));
  });

  it('sends fetches together again after values were large', async () => {
    await start();
    const fetch = operations.fetch.bind(operations);
    operations.fetch = () => {
      operations.fetch = fetch;
      throw new KvsError('answer_too_large', 'too large');
    };
    await client.ask(...Array<string>(32).fill('get a'));
    expect(operations.batches.map((batch) => batch.split(' a').length - 1)).toEqual([4, 8, 16, 4]);
  });

  it.each<[string, (run: () => number) => Command['run']]>([
    ['at once', (run) => run],
    ['as soon as promises are resolved', (run) => () => Promise.resolve(run())],
  ])('lets other clients run in between, even if each command is done %s', async (_, runOf) => {
    const slow = new SlowCommand();
    await start({ commands: [{ ...slow, run: runOf(slow.run) }] });
    const other = await server.connect();
    let countAtOther = Infinity;
    slow.onFirst = () => {
      void other.ask('ping').then(() => {
        countAtOther = slow.count;
      });
    };
    const replies = await client.ask(...Array<string>(300).fill('slow'));
    expect(replies).toBe(Array.from({ length: 300 }, (_, i) => `:${i + 1}\r\n`).join(''));
    expect(countAtOther).toBeLessThan(300);
  });

  it('lets other clients run in between, even if many small commands arrive in one turn of the event loop', async () => {
    await start();
    const chunkCount = 32;
    const [near, far] = await socketPair();
    server.open.listener.accept(far);
    const set = operations.set.bind(operations);
    operations.set = (items) => {
      for (const endMs = performance.now() + 1; performance.now() < endMs;);
      return set(items);
    };
    for (let i = 0; i < chunkCount; i++) far.emit('data', Buffer.from(`set k${i} v\r\n`));
    expect(operations.batches.length).toBeLessThan(chunkCount);
    let received = '';
    near.on('data', (chunk: Buffer) => (received += String(chunk)));
    await until(() => received === '+OK\r\n'.repeat(chunkCount));
    expect(operations.batches.join(' ').match(/k\d+/g)).toEqual(
      Array.from({ length: chunkCount }, (_, i) => `k${i}`),
    );
    near.destroy();
  });

  it('names a command that waits for the store, also if it is part of a batch', async () => {
    await start();
    const { opened, open } = gate();
    operations.hold = () => opened;
    client.send('get a\r\n');
    const other = await server.connect();
    await until(async () => (await other.ask('client list')).includes(' cmd=get '));
    open();
  });

  it('answers a client that sends no more', async () => {
    await start();
    const { opened, open } = gate();
    operations.hold = () => opened;
    client.socket.end('set a 1\r\nping\r\n');
    open();
    expect(await client.readAll()).toBe('+OK\r\n+PONG\r\n');
  });

  it('answers a client that sends no more over a connection that the primary process handed over', async () => {
    await start();
    const { opened, open } = gate();
    operations.hold = () => opened;
    const [near, far] = await socketPair();
    server.open.listener.accept(far);
    let received = '';
    near.on('data', (chunk: Buffer) => (received += String(chunk)));
    near.end('set a 1\r\n');
    await until(() => operations.batches.length === 1 && far.readableEnded);
    open();
    await until(() => near.readableEnded);
    expect(received).toBe('+OK\r\n');
  });
});

describe('errors', () => {
  it('answers unknown commands and wrong numbers of arguments, and goes on', async () => {
    await start();
    expect(await client.ask('what is this', 'get', 'PING')).toBe(
      "-ERR unknown command 'what', with args beginning with: 'is' 'this' \r\n" +
        "-ERR wrong number of arguments for 'get' command\r\n+PONG\r\n",
    );
  });

  it('repeats at most 128 bytes of an unknown command', async () => {
    await start();
    const long = 'x'.repeat(1000);
    const shown = long.slice(0, 128);
    const many = 'a '.repeat(1000);
    expect(await client.ask(`${long} a`, `what a ${long}`, `what ${many}`, `client ${long}`)).toBe(
      `-ERR unknown command '${shown}', with args beginning with: 'a' \r\n` +
        `-ERR unknown command 'what', with args beginning with: 'a' '${long.slice(0, 124)}' \r\n` +
        `-ERR unknown command 'what', with args beginning with: ${"'a' ".repeat(32)}\r\n` +
        `-ERR unknown subcommand '${shown}'. Try CLIENT HELP.\r\n`,
    );
  });

  it('answers what came before a breach of the protocol, then the reason, and closes', async () => {
    await start();
    client.send('ping\r\nset a 1\r\n*1\r\n!\r\nping\r\n');
    expect(await client.readAll()).toBe("+PONG\r\n+OK\r\n-ERR Protocol error: expected '$', got '!'\r\n");
  });

  it.each(['POST / HTTP/1.1', 'GET / HTTP/1.1\r\nHost: localhost'])(
    'runs no command in a request over HTTP: %j',
    async (head) => {
      await start();
      client.send(`${head}\r\n\r\nset a 1\r\n`);
      await client.readAll();
      expect(operations.batches).toEqual([]);
    },
  );

  it('answers failures of the operations with the prefixes that clients know', async () => {
    await start();
    operations.set = (items) => items.map(() => ({ ok: false, code: 'out_of_memory', message: 'full' }));
    let fetches = 0;
    operations.fetch = () => {
      fetches++;
      return Promise.reject(new KvsError('node_unavailable', 'no node'));
    };
    expect(await client.ask('set a 1', 'get a', 'get b')).toBe(
      "-OOM command not allowed when used memory > 'maxmemory'.\r\n-CLUSTERDOWN no node\r\n-CLUSTERDOWN no node\r\n",
    );
    expect(fetches).toBe(1);
  });

  it('answers a defect without its details, and reports it', async () => {
    const defect = new TypeError('a defect');
    const run = () => Promise.reject(defect);
    await start({ commands: [{ name: 'break', arity: 1, flags: [], run }] });
    expect(await client.ask('break', 'ping')).toBe(
      '-ERR an unexpected error; the log says more\r\n+PONG\r\n',
    );
    expect(server.errors).toEqual([defect]);
  });
});

describe('limits', () => {
  it('refuses commands about pairs beyond the budget, and still tells about itself', async () => {
    await start({ budget: { maxInFlightRequests: 1 } });
    const { opened, open } = gate();
    operations.hold = () => opened;
    client.send(`set a ${'x'.repeat(1000)}\r\n`);
    const other = await server.connect();
    expect(await other.ask('get a', 'del a b', 'dbsize', 'flushall', 'watch a', 'ping')).toBe(
      `${'-TRYAGAIN 1 requests are in flight\r\n'.repeat(5)}+PONG\r\n`,
    );
    expect(heldBytes()).toBeGreaterThan(1000);
    open();
    expect(await client.readTo('+OK\r\n')).toBe('');
  });

  it.each([
    { name: 'GET', begin: () => [], last: (key: string) => `get ${key}` },
    { name: 'MGET', begin: () => [], last: (key: string) => `mget ${key}` },
    {
      name: 'EXEC of commands that write nothing',
      begin: (key: string) => ['multi', 'ping', `get ${key}`],
      last: () => 'exec',
    },
    {
      name: 'EXEC of a client that watches keys',
      begin: (key: string) => [`watch ${key}`, 'multi', `get ${key}`],
      last: () => 'exec',
    },
  ])(
    'refuses a $name whose reply would exceed the budget once clients do not read theirs',
    async ({ name, begin, last }) => {
      await start({ budget: { maxInFlightBytes: MIB } });
      const value = stringValue('x'.repeat(8 * MIB));
      const { opened, open } = gate();
      let isHeld = false;
      operations.fetch = (keys) => {
        operations.batches.push('fetch');
        const outcomes = keys.map(() => ({ ok: true, entry: { value, version: 1 } }) as const);
        return isHeld ? opened.then(() => outcomes) : outcomes;
      };
      const others = await Promise.all(Array.from({ length: 3 }, () => server.connect()));
      for (const [i, each] of [client, ...others].entries()) {
        const lines = begin(`k${i}`);
        each.send(lines.map((line) => `${line}\r\n`).join(''));
        await each.readTo('+QUEUED\r\n'.repeat(lines.length - lines.indexOf('multi') - 1));
      }
      isHeld = true;
      operations.batches.length = 0;
      client.socket.pause();
      for (const [i, each] of [client, ...others].entries()) {
        each.send(`${last(`k${i}`)}\r\n`);
        await until(() => operations.batches.length === i + 1);
      }
      open();
      const replies = await Promise.all(others.map((other) => other.readTo(' bytes\r\n')));
      const prefix = name.includes('watches') ? 'EXECABORT Transaction discarded because of: ' : '';
      for (const reply of replies)
        expect(reply.replace(/\d+$/, 'many')).toBe(`-${prefix}TRYAGAIN requests in flight hold many`);
      expect(server.admission.load.unreadBytes).toBeLessThan(9 * MIB);
      client.socket.destroy();
      await until(() => heldBytes() === 0);
    },
  );

  it('refuses large replies, also those about itself, once replies that clients do not read exceed the budget', async () => {
    await start({ budget: { maxInFlightBytes: MIB } });
    const value = stringValue('x'.repeat(32 * MIB));
    operations.fetch = (keys) => keys.map(() => ({ ok: true, entry: { value, version: 1 } }));
    const other = await server.connect();
    const large = `command info ${'get '.repeat(2000)}`;
    expect(await other.ask(large)).toMatch(/^\*2000\r\n/);
    client.socket.pause();
    client.send('get a\r\n');
    await until(() => heldBytes() > MIB);
    expect(await other.ask(large, 'command info get', 'ping')).toMatch(
      /^-TRYAGAIN requests in flight hold \d+ bytes\r\n\*1\r\n[^]*\+PONG\r\n$/,
    );
  });

  it.each([
    ['a write', ['set b 1'], '+OK\r\n'],
    ['whether a key is there', ['exists b'], ':0\r\n'],
    ['an EXEC that writes', ['multi', 'get b', 'del b', 'exec'], '*2\r\n$-1\r\n:0\r\n'],
  ])('answers %s, although clients left too many replies unread meanwhile', async (_, lines, reply) => {
    await start({ budget: { maxInFlightBytes: MIB } });
    const { opened, open } = gate();
    operations.hold = () => opened;
    client.send(`${lines.join('\r\n')}\r\n`);
    await until(() => operations.batches.length === 1);
    server.admission.addUnread(2 * MIB);
    open();
    expect(await client.readTo(reply)).toMatch(/^(\+OK\r\n(\+QUEUED\r\n){2})?$/);
    server.admission.addUnread(-2 * MIB);
  });

  it('answers a command that is larger than the budget if it is alone', async () => {
    await start({ budget: { maxInFlightBytes: 1000 } });
    expect(await client.ask(`mget${' k'.repeat(100)}`)).toBe(`*100\r\n${'$-1\r\n'.repeat(100)}`);
    client.send('*2\r\n$4\r\nping\r\n$6000\r\n');
    for (const bytes of [2000, 4000, 6000]) {
      client.send('x'.repeat(2000));
      await until(() => heldBytes() > bytes);
    }
    client.send('\r\n');
    expect(await client.readTo('\r\n')).toBe('$6000');
  });

  it('counts a request that has arrived in full and waits for a batch before it', async () => {
    await start();
    const { opened, open } = gate();
    operations.hold = () => opened;
    const [near, far] = await socketPair();
    server.open.listener.accept(far);
    far.emit('data', Buffer.from(`get a\r\n*1001\r\n$6\r\nexists\r\n${'$1\r\nk\r\n'.repeat(1000)}`));
    expect(operations.batches).toHaveLength(1);
    expect(heldBytes()).toBeGreaterThan(100_000);
    open();
    await until(() => heldBytes() === 0 && operations.batches.length === 2);
    near.destroy();
  });

  it('answers reads although there is no memory for a request behind them', async () => {
    await start({ budget: { maxInFlightBytes: 100_000 } });
    server.admission.addIncomplete(60_000);
    const [near, far] = await socketPair();
    server.open.listener.accept(far);
    let received = '';
    near.on('data', (chunk: Buffer) => (received += String(chunk)));
    far.emit('data', Buffer.from(`${'get a\r\n'.repeat(5)}set a ${'x'.repeat(50_000)}\r\nping\r\n`));
    await until(() => received.endsWith('+PONG\r\n'));
    expect(received).toMatch(/^(\$-1\r\n){5}-TRYAGAIN requests in flight hold \d+ bytes\r\n\+PONG\r\n$/);
    expect(heldBytes()).toBe(60_000);
    near.destroy();
  });

  it('closes the connection of a command with more arguments than pairs, a name and options have', async () => {
    await start({ limits: { maxBatchItems: 100 } });
    const command = (count: number) => `*${count}\r\n$6\r\nexists\r\n${'$1\r\nk\r\n'.repeat(count - 1)}`;
    client.send(`${command(201)}${command(300)}`);
    expect(await client.readAll()).toBe(':0\r\n-ERR Protocol error: invalid multibulk length\r\n');
  });

  it('closes the connection of a request for which there is no memory', async () => {
    await start({ budget: { maxInFlightBytes: 100_000 } });
    const other = await server.connect();
    other.send(`*2\r\n$4\r\nping\r\n$90000\r\n${'x'.repeat(80_000)}`);
    await until(() => heldBytes() > 80_000);
    client.send(`*2\r\n$4\r\nping\r\n$90000\r\n${'x'.repeat(80_000)}`);
    expect(await client.readAll()).toMatch(/^-ERR requests in flight hold \d+ bytes\r\n$/);
    other.send(`${'x'.repeat(10_000)}\r\n`);
    expect(await other.readTo('\r\n')).toBe('$90000');
    await until(() => heldBytes() === 0);
  });

  it('counts a request once that has arrived in parts', async () => {
    await start({ budget: { maxInFlightBytes: 100_000 } });
    const other = await server.connect();
    other.send('*2\r\n$4\r\nping\r\n');
    await until(() => heldBytes() > 0);
    client.send(`*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$60000\r\n${'x'.repeat(50_000)}`);
    await until(() => heldBytes() > 50_000);
    client.send(`${'x'.repeat(10_000)}\r\n`);
    expect(await client.readTo('\r\n')).toBe('+OK');
  });

  it('goes on reading a large request that arrives with a small one', async () => {
    await start();
    const [near, far] = await socketPair();
    server.open.listener.accept(far);
    far.emit('data', Buffer.from(`ping\r\n*2\r\n$4\r\nping\r\n$90000\r\n${'x'.repeat(80_000)}`));
    near.write(`${'x'.repeat(10_000)}\r\n`);
    let receivedBytes = 0;
    near.on('data', ({ length }: Buffer) => (receivedBytes += length));
    await until(() => receivedBytes === '+PONG\r\n$90000\r\n\r\n'.length + 90_000);
    near.destroy();
  });

  it('counts nothing of a connection that is closed while a command runs and the next one arrives', async () => {
    await start();
    const { opened, open } = gate();
    operations.hold = () => opened;
    client.send(`set a 1\r\n*2\r\n$4\r\nping\r\n$9000\r\n${'x'.repeat(1000)}`);
    await until(() => heldBytes() > 1000);
    client.socket.resetAndDestroy();
    const other = await server.connect();
    await until(async () => (await other.ask('client list')).match(/\bid=/g)?.length === 1);
    open();
    await until(() => server.admission.load.requests === 0);
    expect(await other.ask('ping')).toBe('+PONG\r\n');
    expect(heldBytes()).toBe(0);
  });

  it('reads nothing more while a command runs, if the server has no room for what was read', async () => {
    await start({ budget: { maxInFlightBytes: 100_000 } });
    const { opened, open } = gate();
    operations.hold = () => opened;
    client.send(`*2\r\n$4\r\nping\r\n$90000\r\n${'x'.repeat(80_000)}`);
    await until(() => heldBytes() > 80_000);
    const [near, far] = await socketPair();
    server.open.listener.accept(far);
    near.write('set a 1\r\n');
    await until(() => operations.batches.length === 1);
    near.write('x'.repeat(30_000));
    await until(() => far.isPaused());
    expect(heldBytes()).toBeLessThan(100_000);
    open();
    await until(() => !far.isPaused());
    near.destroy();
  });

  it('reads only a little while a command runs', async () => {
    await start();
    const { opened, open } = gate();
    operations.hold = () => opened;
    const [near, far] = await socketPair();
    server.open.listener.accept(far);
    near.write('set a 1\r\n');
    await until(() => operations.batches.length === 1);
    near.write('x'.repeat(MIB));
    await until(() => far.isPaused());
    expect(heldBytes()).toBeLessThan(MIB / 4);
    open();
    await until(() => !far.isPaused());
    near.destroy();
  });

  it('closes a connection for good if its client goes on after a breach of the protocol', async () => {
    await start();
    client.send('*x\r\n');
    expect(await client.readAll()).toBe('-ERR Protocol error: invalid multibulk length\r\n');
    const other = await server.connect();
    const connections = async () => (await other.ask('client list')).match(/\bid=/g)?.length;
    await until(async () => (await connections()) === 1);
  });

  it('waits for the rest of the first request of a connection', async () => {
    const check = manualChecks();
    await start({ bodyTimeoutMs: 60_000 });
    client.send('*2\r\n$4\r\nping\r\n');
    await until(() => heldBytes() > 0);
    for (let i = 0; i < 3; i++) check();
    client.send('$4\r\nrest\r\n');
    expect(await client.readTo('rest\r\n')).toBe('$4\r\n');
  });

  it('gives each request a time of its own, which does not pass while a command runs', async () => {
    const check = manualChecks();
    await start({ bodyTimeoutMs: 3000 });
    const { opened, open } = gate();
    operations.hold = () => opened;
    client.send('get a\r\n*2\r\n$4\r\nping\r\n');
    await until(() => operations.batches.length === 1 && heldBytes() > 0);
    for (let i = 0; i < 5; i++) check();
    open();
    await client.readTo('$-1\r\n');
    for (let round = 0; round < 3; round++) {
      check();
      check();
      client.send('$4\r\nrest\r\n');
      expect(await client.readTo('rest\r\n')).toBe('$4\r\n');
      check();
      client.send('*2\r\n$4\r\nping\r\n');
      await until(() => heldBytes() > 0);
    }
  });

  it('waits for a request that arrives at the lowest speed, and not for long after a burst', async () => {
    const check = manualChecks();
    await start({ bodyTimeoutMs: 2000 });
    client.send('*2\r\n$4\r\nping\r\n$90000\r\n');
    for (let second = 1; second <= 5; second++) {
      client.send('x'.repeat(1000));
      await until(() => heldBytes() > 1000 * second);
      check();
    }
    client.send('x'.repeat(50_000));
    await until(() => heldBytes() > 55_000);
    for (let i = 0; i < 3; i++) check();
    expect(await client.readAll()).toBe('');
    await until(() => heldBytes() === 0);
  });

  it('closes a connection whose client does not read its replies, but neither a slow nor an idle one', async () => {
    const check = manualChecks();
    await start({ answerTimeoutMs: 2000 });
    const value = stringValue('x'.repeat(32 * MIB));
    operations.fetch = (keys) => keys.map(() => ({ ok: true, entry: { value, version: 1 } }));
    const [near, far] = await socketPair();
    server.open.listener.accept(far);
    near.write('get a\r\n');
    await until(() => heldBytes() > MIB);
    near.on('data', () => near.pause());
    for (let second = 1; second <= 5; second++) {
      for (const sent = sendProgress(far); sendProgress(far) === sent; await setImmediate()) near.resume();
      check();
    }
    expect(far.destroyed).toBe(false);
    await until(() => {
      check();
      return far.destroyed;
    });
    expect(await client.ask('ping')).toBe('+PONG\r\n');
    near.destroy();
  });

  it('closes a connection whose request does not arrive', async () => {
    await start({ bodyTimeoutMs: 1 });
    client.send('*2\r\n$4\r\nping\r\n');
    expect(await client.readAll()).toBe('');
  });

  it.each([
    ['queued commands', ['multi', ...Array<string>(20).fill(`set a ${'x'.repeat(4000)}`)]],
    ['watched keys', Array.from({ length: 20 }, (_, i) => `watch ${'k'.repeat(4000)}${i}`)],
  ])('closes a connection whose client stops sending while it has large %s', async (_, lines) => {
    await start({ bodyTimeoutMs: 1 });
    client.send('watch a\r\nmulti\r\nset b 1\r\n');
    await client.readTo('+QUEUED\r\n');
    const other = await server.connect();
    other.send(`${lines.join('\r\n')}\r\n`);
    expect(await other.readAll()).toMatch(/^\+OK\r\n/);
    await until(() => heldBytes() < 1000);
    expect(await client.ask('exec')).toBe('*1\r\n+OK\r\n');
  });

  it('reads little more from a client that does not read its replies, and counts them', async () => {
    await start();
    const value = 'x'.repeat(100_000);
    operations.fetch = (keys) =>
      keys.map(() => ({ ok: true, entry: { value: stringValue(value), version: 1 } }));
    client.socket.pause();
    for (let i = 0; i < 2000; i++) client.send('get a\r\n'.repeat(100));
    await until(() => heldBytes() > 100_000);
    expect(heldBytes()).toBeLessThan(20_000_000);
    client.socket.destroy();
    await until(() => heldBytes() === 0);
  });
});

describe('shutdown', () => {
  it('closes idle connections, and others after the reply to the command that runs', async () => {
    await start();
    const { opened, open } = gate();
    operations.hold = () => opened;
    const busy = await server.connect();
    busy.send('set a 1\r\n');
    await until(() => operations.batches.length === 1);
    let isDrained = false;
    const drained = server.open.listener.drain().then(() => {
      isDrained = true;
    });
    expect(await client.readAll()).toBe('');
    await expect(server.connect()).rejects.toThrow('ECONNREFUSED');
    expect(isDrained).toBe(false);
    open();
    await drained;
    expect(await busy.readAll()).toBe('+OK\r\n');
  });

  it('waits no longer for a client that has not read its reply and has gone', async () => {
    await start();
    const value = stringValue('x'.repeat(32 * MIB));
    operations.fetch = (keys) => keys.map(() => ({ ok: true, entry: { value, version: 1 } }));
    client.socket.pause();
    client.send('get a\r\n');
    await until(() => heldBytes() > MIB);
    const drained = server.open.listener.drain();
    client.socket.destroy();
    await drained;
    expect(heldBytes()).toBe(0);
  });

  it('closes a connection that the primary process hands over afterwards', async () => {
    await start();
    await server.open.listener.drain();
    const [near, far] = await socketPair();
    server.open.listener.accept(far);
    await until(() => near.destroyed || near.readableEnded);
    near.destroy();
  });

  it('sends replies that wait for the end of the turn', async () => {
    let drained: Promise<void> | undefined;
    const drain: Command = {
      name: 'drain',
      arity: 1,
      flags: [],
      run: () => {
        drained = server.open.listener.drain();
        return 'drains';
      },
    };
    await start({ commands: [drain] });
    client.send('ping\r\ndrain\r\nping\r\n');
    expect(await client.readAll()).toBe('+PONG\r\n$6\r\ndrains\r\n');
    await drained;
  });

  it('runs no further command after QUIT', async () => {
    await start();
    client.send('quit\r\nset a 1\r\n');
    expect(await client.readAll()).toBe('+OK\r\n');
    expect(operations.batches).toEqual([]);
  });
});

describe('the commands after MULTI', () => {
  const held = 'x'.repeat(1000);
  const queue = async (to: RawClient): Promise<void> => {
    to.send(`multi\r\nset a ${held}\r\n`);
    await to.readTo('+QUEUED\r\n');
  };

  it('count as held bytes until they have run', async () => {
    await start();
    await queue(client);
    expect(heldBytes()).toBeGreaterThan(1000);
    await client.ask('discard');
    expect(heldBytes()).toBe(0);
    await queue(client);
    client.socket.destroy();
    await until(() => heldBytes() === 0);
  });

  it('are refused at once if their subcommand is unknown, and EXEC then runs none', async () => {
    await start();
    expect(await client.ask('multi', 'set a 1', 'client what', 'client id 1', 'exec', 'get a')).toBe(
      "+OK\r\n+QUEUED\r\n-ERR unknown subcommand 'what'. Try CLIENT HELP.\r\n" +
        "-ERR wrong number of arguments for 'client|id' command\r\n" +
        '-EXECABORT Transaction discarded because of previous errors.\r\n$-1\r\n',
    );
  });

  it('hold nothing more once one of them was refused', async () => {
    await start();
    client.send(`multi\r\nwhat\r\nset a ${held}\r\n`);
    await client.readTo('+QUEUED\r\n');
    expect(heldBytes()).toBe(0);
  });

  it('end with an EXEC whose arguments are wrong', async () => {
    await start();
    expect(await client.ask('watch k', 'multi', 'set a 1', 'exec x', 'exec', 'get a')).toBe(
      '+OK\r\n+OK\r\n+QUEUED\r\n' +
        "-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command\r\n" +
        '-ERR EXEC without MULTI\r\n$-1\r\n',
    );
    expect(heldBytes()).toBe(0);
  });

  it('are refused if the server has no room for them, and EXEC then runs none', async () => {
    await start({ budget: { maxInFlightBytes: 3000 } });
    await queue(client);
    const other = await server.connect();
    const replies = await other.ask('multi', ...Array<string>(3).fill(`set a ${held}`), 'exec', 'get a');
    expect(replies).toMatch(
      /^\+OK\r\n\+QUEUED\r\n-TRYAGAIN [^\r]*\r\n\+QUEUED\r\n-EXECABORT .*\r\n\$-1\r\n$/s,
    );
    await client.ask('discard');
    expect(heldBytes()).toBe(0);
  });
});

describe('watched keys', () => {
  const key = 'k'.repeat(1000);

  it.each([['exec'], ['discard'], ['unwatch'], ['reset']])('count as held bytes until %s', async (end) => {
    await start();
    await client.ask(`watch ${key} b`, `watch ${key}`);
    expect(heldBytes()).toBeGreaterThan(1000);
    expect(heldBytes()).toBeLessThan(3000);
    await client.ask(...(end === 'unwatch' ? [] : ['multi']), end);
    expect(heldBytes()).toBe(0);
  });

  it('count as held bytes until the connection is closed, even if it is closed before they are watched', async () => {
    await start();
    await client.ask(`watch ${key}`);
    const { opened, open } = gate();
    operations.hold = () => opened;
    client.send('watch b\r\n');
    await until(() => operations.batches.includes('fetch b'));
    client.socket.resetAndDestroy();
    await until(() => heldBytes() < 1000);
    open();
    await until(() => heldBytes() === 0);
  });

  it('are refused if the server has no room for them, and those before stay watched', async () => {
    await start({ budget: { maxInFlightBytes: 6000 } });
    const other = await server.connect();
    await other.ask(`watch ${key}`);
    expect(await client.ask('watch b', `watch ${key}1`, `watch ${key}2`)).toMatch(
      /^\+OK\r\n\+OK\r\n-TRYAGAIN requests in flight hold \d+ bytes\r\n$/,
    );
    operations.batches.length = 0;
    await client.ask('multi', 'exec');
    expect(operations.batches).toEqual([`fetch b ${key}1`]);
    await other.ask('unwatch');
    expect(heldBytes()).toBe(0);
  });
});
