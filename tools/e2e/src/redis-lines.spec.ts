import { describeWithRedis, RedisProcess } from '@kvs/kv-store-redis/testing';
import { startInProcess, type InProcessRedis } from './support/in-process-redis.js';
import { RespClient } from './support/resp-client.js';

/** Commands that sequences of random ones rarely or never have, after `SET {t}a 5`. Several of them go to one new connection. */
const LINES = `
SELECT 0
SELECT 16
SELECT -1
SELECT x
SELECT 2147483648
SELECT -4294967296
COPY {t}a {t}b DB 16
COPY {t}a {t}b DB 4294967296
COPY {t}a {t}b DB 16 WHAT
COPY {t}a {t}b DB -1
COMMAND GETKEYS ECHO
COMMAND GETKEYS ECHO a b
COMMAND GETKEYS PING a b c
COMMAND GETKEYS WHAT a
COMMAND GETKEYS GET
COMMAND GETKEYS GET a
COMMAND GETKEYS GET a b
COMMAND GETKEYS MSET a 1 b 2
COMMAND GETKEYS OBJECT ENCODING
COMMAND GETKEYS OBJECT ENCODING a
COMMAND GETKEYS COPY a
MEMORY USAGE {t}a SAMPLES
MEMORY USAGE {t}a SAMPLES 1 SAMPLES
MEMORY USAGE {t}a SAMPLES 1 WHAT 2
OBJECT FREQ {t}a
OBJECT WHAT {t}a
OBJECT ENCODING
MEMORY USAGE
MEMORY WHAT
SLOWLOG GET 1
SLOWLOG GET 1 2
SLOWLOG GET -2
SLOWLOG RESET x
LATENCY HISTORY
LATENCY RESET x
CLIENT LIST ID
CLIENT LIST ID x
CLIENT LIST TYPE
CLIENT LIST TYPE what
CLIENT REPLY what
CLIENT KILL
CLIENT KILL what
CLIENT KILL ID x
CLIENT KILL SKIPME x
CLIENT KILL TYPE what
CLIENT NO-EVICT what
CLIENT GETNAME x
CLIENT ID 1
CLIENT SETNAME a\tb
CONFIG SET a
CONFIG SET a b c
CONFIG SET what 1
CONFIG GET what
CONFIG RESETSTAT x
SCAN 0 MATCH
SCAN 0 COUNT x MATCH
SCAN 0 MATCH a COUNT
SCAN 0 COUNT 0
SCAN 0 WHAT x
SCAN x COUNT x
WAIT x 0
WAIT 0 x
WAIT 0 -1
TIME x
PING a b
ECHO
RANDOMKEY x
DBSIZE x
FLUSHALL ASYNC x
HELLO 5
HELLO x
HELLO 3 WHAT
AUTH a b c
AUTH x
READONLY
CLUSTER INFO
EXEC x
WATCH
MULTI|CLIENT SETNAME me|RESET|CLIENT GETNAME
WATCH a|MULTI|WATCH b|EXEC
MULTI|MULTI|DISCARD|DISCARD
`
  .trim()
  .split('\n');

describeWithRedis('commands of Redis', () => {
  let redis: RedisProcess;
  let server: InProcessRedis;
  beforeAll(async () => {
    redis = await RedisProcess.start();
    server = await startInProcess({ later: false });
  });
  afterAll(async () => {
    await server.close();
    await redis.stop();
  });

  async function repliesOf(port: number, protocol: 2 | 3): Promise<string[]> {
    const replies: string[] = [];
    for (const line of LINES) {
      const client = await RespClient.open(port, protocol);
      const commands = line.split('|').map((command) => command.split(' '));
      const all = await client.ask([['SET', '{t}a', '5'], ...commands]);
      replies.push(`${line}: ${JSON.stringify(all)}`);
      client.close();
    }
    return replies;
  }

  it.each([2, 3] as const)('are answered as Redis does, in RESP%d', async (protocol) => {
    expect(await repliesOf(server.port, protocol)).toEqual(await repliesOf(redis.port, protocol));
    expect(server.errors).toEqual([]);
  });
});
