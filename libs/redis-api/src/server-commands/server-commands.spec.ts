import { DEFAULT_LIMITS } from '@kvs/protocol';
import { MapOperations, until } from '@kvs/protocol/testing';
import type { RawClient } from '../testing/raw-client.js';
import { TestRedis } from '../testing/test-redis.js';

let server: TestRedis;
let client: RawClient;
beforeEach(async () => {
  server = await TestRedis.start({ operations: new MapOperations() });
  client = await server.connect();
});
afterEach(() => server.close());

describe('handshake', () => {
  it('greets in the version that the client asks for', async () => {
    const [resp2, resp3] = [await client.ask('hello'), await client.ask('hello 3 setname me', 'get absent')];
    expect(resp2).toMatch(
      /^\*14\r\n\$6\r\nserver\r\n\$5\r\nredis\r\n[^]*\$4\r\nmode\r\n\$10\r\nstandalone\r\n/,
    );
    expect(resp3).toMatch(/^%7\r\n[^]*\$5\r\nproto\r\n:3\r\n[^]*_\r\n$/);
    expect(await client.ask('client getname')).toBe('$2\r\nme\r\n');
  });

  it('changes the version only for later replies, and not at all if it fails', async () => {
    expect(await client.ask('hello 3 setname "a b"', 'get a')).toMatch(/^-ERR Client names .*\r\n\$-1\r\n$/);
    expect(await client.ask('get a', 'hello 3', 'get a')).toMatch(/^\$-1\r\n%7\r\n[^]*_\r\n$/);
  });

  it('needs no password, and takes a name after one', async () => {
    expect(await client.ask('hello 2 auth default x setname me', 'client getname')).toMatch(
      /^\*14\r\n[^]*\$2\r\nme\r\n$/,
    );
  });

  it.each([
    ['hello 4', '-NOPROTO unsupported protocol version'],
    ['hello x', '-ERR Protocol version is not an integer or out of range'],
    ['hello 3 auth other x', '-WRONGPASS invalid username-password pair or user is disabled.'],
    ['hello 3 what', "-ERR Syntax error in HELLO option 'what'"],
    ['hello 3 auth default', "-ERR Syntax error in HELLO option 'auth'"],
    ['hello 3 setname', "-ERR Syntax error in HELLO option 'setname'"],
    ['auth default x', '+OK'],
    [
      'auth x',
      '-ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?',
    ],
    ['select 0', '+OK'],
    ['select 1', '-ERR DB index is out of range'],
    ['select x', '-ERR value is not an integer or out of range'],
    ['ping', '+PONG'],
    ['ping a b', "-ERR wrong number of arguments for 'ping' command"],
    ['wait 0 10', ':0'],
    ['wait 0 x', '-ERR timeout is not an integer or out of range'],
    ['wait 0 -1', '-ERR timeout is negative'],
    ['slowlog len', ':0'],
    ['slowlog get 10', '*0'],
    ['slowlog get x', '-ERR count should be greater than or equal to -1'],
    ['slowlog get -2', '-ERR count should be greater than or equal to -1'],
    ['slowlog reset', '+OK'],
    ['latency latest', '*0'],
    ['latency history command', '*0'],
    ['latency reset', ':0'],
    ['client setname "a b"', '-ERR Client names cannot contain spaces, newlines or special characters.'],
    ['client setinfo lib-name x', '+OK'],
    ['client setinfo lib-ver 1', '+OK'],
    ['client setinfo lib-what x', "-ERR Unrecognized option 'lib-what'"],
    ['client no-evict on', '+OK'],
    ['client no-touch on', '+OK'],
    ['client no-touch what', '-ERR syntax error'],
    ['client what', "-ERR unknown subcommand 'what'. Try CLIENT HELP."],
    ['client setname', "-ERR wrong number of arguments for 'client|setname' command"],
    ['client kill 1.2.3.4:5', '-ERR No such client'],
    ['client kill id 999', ':0'],
    ['client kill id 0', '-ERR client-id should be greater than 0'],
    ['client kill id x', '-ERR client-id should be greater than 0'],
    ['client kill addr 1.2.3.4:5 laddr 1.2.3.4:6', ':0'],
    ['client kill addr 1.2.3.4:5 laddr', '-ERR syntax error'],
    ['client kill user what', "-ERR No such user 'what'"],
    ['client kill skipme what', '-ERR syntax error'],
    ['client kill type pubsub', ':0'],
    ['client kill type what', "-ERR Unknown client type 'what'"],
    ['client list type pubsub', '$0\r\n'],
    ['client list type what', "-ERR Unknown client type 'what'"],
    ['client list type normal x', '-ERR syntax error'],
    ['client list id x', '-ERR Invalid client ID'],
    ['config set save ""', '+OK'],
    [
      'config set save 60',
      "-ERR CONFIG SET failed (possibly related to argument 'save') - can't set immutable config",
    ],
    ['config set what 1', "-ERR Unknown option or number of arguments for CONFIG SET - 'what'"],
    ['command info what', '*1\r\n$-1'],
    ['command getkeys set a b', '*1\r\n$1\r\na'],
    ['command getkeys ping a', '-ERR The command has no key arguments'],
    ['command list filterby', '-ERR syntax error'],
    ['command list filterby pattern PI?G', '*1\r\n$4\r\nping'],
    ['command list filterby module what', '*0'],
    ['command list filterby what ping', '-ERR syntax error'],
    ['command list filterby pattern SLOWLOG|L*', '*1\r\n$11\r\nslowlog|len'],
    ['command docs ping', "-ERR unknown subcommand 'docs'. Try COMMAND HELP."],
    ['command help x', "-ERR wrong number of arguments for 'command|help' command"],
  ])('%s: %s', async (line, reply) => {
    expect(await client.ask(line)).toBe(`${reply}\r\n`);
  });

  it('forgets with RESET what the client has set', async () => {
    const reply = await client.ask('hello 3 setname me', 'reset', 'client getname', 'get a');
    expect(reply).toMatch(/\+RESET\r\n\$-1\r\n\$-1\r\n$/);
    expect(await client.ask('client reply skip', 'reset', 'ping')).toBe('+PONG\r\n');
    expect(await client.ask('client reply off', 'reset', 'ping')).toBe('+RESET\r\n+PONG\r\n');
  });
});

describe('CLIENT', () => {
  it('lists the connections, and closes one by its id', async () => {
    const other = await server.connect();
    const id = /:(\d+)/.exec(await other.ask('client id'))?.[1] ?? '';
    for (const list of ['client list', 'client list type normal'])
      expect((await client.ask(list)).match(/\bid=\d+ addr=127\.0\.0\.1:\d+/g)).toHaveLength(2);
    expect(await client.ask(`client kill id ${id}`)).toBe(':1\r\n');
    expect(await other.readAll()).toBe('');
    expect((await client.ask('client list')).match(/\bid=/g)).toHaveLength(1);
  });

  it.each([
    { field: 'addr', filter: (address: string) => `addr ${address}` },
    { field: 'laddr', filter: (address: string) => `laddr ${address} skipme yes` },
    { field: 'user', filter: (user: string) => `user ${user}` },
  ])('closes others by $field, and itself only if it does not skip itself', async ({ field, filter }) => {
    const other = await server.connect();
    const value = new RegExp(` ${field}=(\\S+)`).exec(await other.ask('client info'))?.[1] ?? '';
    expect(await client.ask(`client kill ${filter(value)} addr 1.2.3.4:5`)).toBe(':0\r\n');
    expect(await client.ask(`client kill ${filter(value)}`)).toBe(':1\r\n');
    expect(await other.readAll()).toBe('');
    client.send('client kill user default skipme no\r\n');
    expect(await client.readAll()).toBe(':1\r\n');
  });

  it('names the command that runs, and NULL for a client that has sent none', async () => {
    await server.connect();
    await until(async () => (await client.ask('client list')).includes(' cmd=NULL '));
    expect(await client.ask('ping', 'client info')).toContain(' cmd=client|info ');
  });

  it('tells all fields of Redis 7.0 in its order, and then those of 7.2', async () => {
    const names = (await client.ask('client info')).match(/(?<=[ \n])[a-z-]+(?==)/g);
    expect(names?.join(' ')).toBe(
      'id addr laddr fd name age idle flags db sub psub ssub multi qbuf qbuf-free argv-mem multi-mem rbs rbp obl oll omem ' +
        'tot-mem events cmd user redir resp lib-name lib-ver',
    );
  });

  it('lists a client once, whatever ids are asked for, and no more than an answer may have', async () => {
    const id = /:(\d+)/.exec(await client.ask('client id'))?.[1] ?? '';
    expect((await client.ask(`client list id ${`${id} `.repeat(100)}`)).match(/\bid=/g)).toHaveLength(1);
    const small = await TestRedis.start({ limits: { maxAnswerBytes: 100 } });
    const other = await small.connect();
    expect(await other.ask('client list')).toBe(
      '-ERR the list has more than 100 bytes; ask for some clients by ID\r\n',
    );
    await small.close();
  });

  it('keeps only short names', async () => {
    const long = 'x'.repeat(1025);
    const refusal = '-ERR names and versions of clients have at most 1024 bytes\r\n';
    expect(
      await client.ask(
        ...[`client setname ${long}`, `hello 2 setname ${long}`, `client setinfo lib-name ${long}`],
      ),
    ).toBe(refusal.repeat(3));
    expect(await client.ask(`client setname ${long.slice(1)}`)).toBe('+OK\r\n');
  });

  it('tells how many commands wait for EXEC', async () => {
    expect(await client.ask('client info')).toMatch(/ flags=N db=0 sub=0 psub=0 ssub=0 multi=-1 /);
    const other = await server.connect();
    other.send('multi\r\nping\r\nping\r\n');
    await other.readTo('+QUEUED\r\n+QUEUED\r\n');
    expect(await client.ask('client list')).toMatch(/ flags=x [^\n]* multi=2 [^\n]* cmd=ping /);
  });

  it('leaves out replies', async () => {
    expect(await client.ask('client reply skip', 'ping 1', 'ping 2')).toBe('$1\r\n2\r\n');
    expect(await client.ask('client reply skip', 'client reply skip', 'ping 1', 'ping 2')).toBe(
      '$1\r\n2\r\n',
    );
    expect(await client.ask('client reply off', 'client reply skip', 'ping', 'ping', 'client reply on')).toBe(
      '+OK\r\n',
    );
    expect(await client.ask('client reply off', 'ping 1', 'client reply on', 'ping 2')).toBe(
      '+OK\r\n$1\r\n2\r\n',
    );
  });
});

it('shows settings by pattern, in linear time', async () => {
  expect(await client.ask('config get MAXMEMORY*')).toBe(
    '*4\r\n$9\r\nmaxmemory\r\n$1\r\n0\r\n$16\r\nmaxmemory-policy\r\n$10\r\nnoeviction\r\n',
  );
  expect(await client.ask(`config get ${'*e'.repeat(8000)}`)).toBe('*0\r\n');
});

it('shows the limits of clients and values, and the port', async () => {
  const reply = await client.ask('config get maxclients port proto-max-bulk-len databases');
  const [, databases, , maxClients, , port, , maxBytes] = reply.match(/^\w.*(?=\r)/gm) ?? [];
  expect([databases, maxClients, maxBytes]).toEqual(['1', '10000', String(DEFAULT_LIMITS.maxValueBytes)]);
  expect(await client.ask('client info')).toContain(` laddr=127.0.0.1:${port} `);
});

it('counts from 0 after CONFIG RESETSTAT, but not in the metrics', async () => {
  const [before, after] = (await client.ask('ping', 'info stats', 'config resetstat', 'info stats')).split(
    '+OK',
  );
  expect(before).toMatch(/received:1\r\ntotal_commands_processed:1\r\n/);
  expect(after).toMatch(/received:0\r\ntotal_commands_processed:1\r\n/);
  const families = await server.open.metrics.collect();
  const connections = families.find(({ name }) => name === 'kvs_redis_connections_total')?.values;
  expect(connections).toEqual([{ labels: {}, value: 1 }]);
});

it('shows what pairs may take in memory, and the policy of Redis that is nearest to that of the engine', async () => {
  const limited = await TestRedis.start({ memory: { maxBytes: 1024, evicts: true } });
  try {
    const other = await limited.connect();
    expect(await other.ask('config get maxmemory*')).toBe(
      '*4\r\n$9\r\nmaxmemory\r\n$4\r\n1024\r\n$16\r\nmaxmemory-policy\r\n$11\r\nallkeys-lru\r\n',
    );
    expect(await other.ask('config set maxmemory 1024', 'info memory')).toMatch(
      /^\+OK\r\n[^]*maxmemory:1024\r\nmaxmemory_policy:allkeys-lru\r\n/,
    );
  } finally {
    await limited.close();
  }
});

it('shows the memory of the pairs if the engine knows it, and else that of the process', async () => {
  const ofPairs = await TestRedis.start({ memory: { maxBytes: 1024, usedBytes: 512, evicts: true } });
  try {
    const other = await ofPairs.connect();
    expect(await other.ask('info memory')).toMatch(
      /used_memory:512\r\nused_memory_rss:\d{7,}\r\nmaxmemory:1024\r\n/,
    );
    expect(await client.ask('info memory')).toMatch(
      /used_memory:(\d{7,})\r\nused_memory_rss:\1\r\nmaxmemory:0\r\n/,
    );
  } finally {
    await ofPairs.close();
  }
});

it('names the subcommands of a command', async () => {
  expect(await client.ask('slowlog help')).toBe(
    '*5\r\n+SLOWLOG <subcommand>, one of:\r\n+GET\r\n+LEN\r\n+RESET\r\n+HELP\r\n',
  );
});

it('describes the server in sections', async () => {
  const all = await client.ask('info');
  for (const line of [
    'redis_mode:standalone',
    'kvs_version:1.2.3',
    'loading:0',
    'connected_clients:1',
    'blocked_clients:0',
    'cluster_enabled:0',
  ])
    expect(all).toContain(`${line}\r\n`);
  const one = await client.ask('info cluster');
  expect(one).toBe('$30\r\n# Cluster\r\ncluster_enabled:0\r\n\r\n');
});

it('tells that a rename needs memory', async () => {
  expect(await client.ask('command info rename renamenx expire persist')).toMatch(
    /(?:\+write\r\n\+denyoom\r\n[^]*){4}/,
  );
});

it('describes the commands', async () => {
  const count = Number(/:(\d+)/.exec(await client.ask('command count'))?.[1]);
  const names = (await client.ask('command list')).match(/^\w.*(?=\r)/gm) ?? [];
  expect(names.filter((name) => !name.includes('|'))).toHaveLength(count);
  expect(names).toContain('client|setname');
  const set =
    '*10\r\n$3\r\nset\r\n:-3\r\n~2\r\n+write\r\n+denyoom\r\n:1\r\n:1\r\n:1\r\n~0\r\n~0\r\n~0\r\n~0\r\n';
  expect(await client.ask('hello 3', 'command info set')).toContain(`*1\r\n${set}`);
  expect(await client.ask('hello 2', 'command info set')).toContain(`*1\r\n${set.replaceAll('~', '*')}`);
});

it('counts commands by name and result, with one label for requests that are no command', async () => {
  await client.ask('ping', 'get', 'what', 'who', 'ping');
  const families = await server.open.metrics.collect();
  const commands = families.find(({ name }) => name === 'kvs_redis_commands_total')?.values;
  expect(commands).toContainEqual({ labels: { command: 'ping', result: 'ok' }, value: 2 });
  expect(commands).toContainEqual({ labels: { command: 'unknown', result: 'error' }, value: 3 });
});
