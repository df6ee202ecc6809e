import { Socket } from 'node:net';
import { jest } from '@jest/globals';
import { NotedOperations } from '../testing/noted-operations.js';
import type { RawClient } from '../testing/raw-client.js';
import { TestRedis } from '../testing/test-redis.js';
import type { ClusterMap, ClusterNode, ClusterView } from './cluster-map.js';

const self: ClusterNode = { id: 'a'.repeat(40), host: 'here', port: 7000 };
const other: ClusterNode = { id: 'b'.repeat(40), host: 'there', port: 7001 };

/** The first half of the slots is here, the second is there, each with a copy at the other node. The last partition has no primary. */
const HALVES: ClusterMap = {
  revision: 3,
  self,
  nodes: [self, other],
  copies: Array.from({ length: 4096 }, (_, i) => (i < 2048 ? [self, other] : i < 4095 ? [other, self] : [])),
};

class TestCluster implements ClusterView {
  map: ClusterMap | undefined = HALVES;
  hasAllPairs = false;
  /** A partition that this node serves, whatever the map says. */
  served: number | undefined;
  serves(partition: number): boolean {
    return partition === this.served;
  }
  current(): ClusterMap | undefined {
    return this.map;
  }
}

/** So many that COMMAND has a long reply in memory. */
const MORE_COMMANDS = Array.from({ length: 100 }, (_, i) => ({
  name: `more${i}`,
  arity: 1,
  flags: [],
  run: () => i,
}));

let cluster: TestCluster;
let operations: NotedOperations;
let server: TestRedis;
let client: RawClient;
beforeEach(async () => {
  cluster = new TestCluster();
  operations = new NotedOperations();
  server = await TestRedis.start({ operations, cluster, commands: MORE_COMMANDS });
  client = await server.connect();
});
afterEach(() => server.close());

// Slots: foo 12182, bar 5061, {user1000} 3443.
describe('keys', () => {
  it('are not copied to another database', async () => {
    const refusal = '-ERR Copying to another database is not allowed in cluster mode\r\n';
    expect(
      await client.ask('copy bar {bar}2 db 1', 'copy bar {bar}2 db 1 what', 'copy bar {bar}2 db -1'),
    ).toBe(`${refusal}-ERR syntax error\r\n-ERR DB index is out of range\r\n`);
  });

  it('of other nodes are refused with their node before anything runs', async () => {
    expect(await client.ask('set foo 1', 'set bar 1')).toBe('-MOVED 12182 there:7001\r\n+OK\r\n');
    expect(operations.batches).toEqual(['set bar']);
  });

  it('are served as soon as the node serves their partition, although its map names another node', async () => {
    cluster.served = 12182 >>> 2;
    expect(await client.ask('set foo 1')).toBe('+OK\r\n');
  });

  it('of several slots are refused, unless the node has all pairs', async () => {
    expect(await client.ask('exists foo bar', 'exists {bar}1 {bar}2')).toBe(
      "-CROSSSLOT Keys in request don't hash to the same slot\r\n:0\r\n",
    );
    cluster.hasAllPairs = true;
    expect(await client.ask('exists bar {user1000}')).toBe(':0\r\n');
  });

  it('without a primary, or of a node that has not joined, are refused as those of a cluster that is down', async () => {
    cluster.map = { ...HALVES, copies: [] };
    expect(await client.ask('get foo')).toBe('-CLUSTERDOWN Hash slot not served\r\n');
    cluster.map = { ...HALVES, self: undefined, copies: [] };
    expect(await client.ask('get foo')).toBe('-CLUSTERDOWN Hash slot not served\r\n');
    cluster.map = undefined;
    expect(await client.ask('get foo', 'cluster slots')).toBe(
      '-CLUSTERDOWN The cluster is down\r\n'.repeat(2),
    );
  });
});

describe('transactions', () => {
  const MOVED = 'MOVED 12182 there:7001';
  const DISCARDED = 'EXECABORT Transaction discarded because of';

  it('run none of their commands if one was refused', async () => {
    expect(await client.ask('multi', 'set foo 1', 'set bar 1', 'exec', 'get bar')).toBe(
      `+OK\r\n-${MOVED}\r\n+QUEUED\r\n-${DISCARDED} previous errors.\r\n$-1\r\n`,
    );
    expect(await client.ask('multi', 'set bar 1', 'set {user1000} 1', 'what', 'exec')).toContain(
      `-${DISCARDED} previous errors.\r\n`,
    );
  });

  it('of a client that watches keys tell the refusal that made other clients repeat them', async () => {
    expect(await client.ask('watch bar', 'multi', 'set foo 1', 'what', 'exec')).toMatch(
      new RegExp(`\r\n-${DISCARDED}: ${MOVED}\r\n$`),
    );
  });

  it('of several slots are refused, and are over then', async () => {
    expect(await client.ask('multi', 'set bar 1', 'set {user1000} 1', 'exec', 'exec', 'get bar')).toBe(
      "+OK\r\n+QUEUED\r\n+QUEUED\r\n-CROSSSLOT Keys in request don't hash to the same slot\r\n" +
        '-ERR EXEC without MULTI\r\n$-1\r\n',
    );
  });

  it('of keys that another node serves by now are refused with that node', async () => {
    client.send('multi\r\nset bar 1\r\n');
    await client.readTo('+QUEUED\r\n');
    const watching = await server.connect();
    watching.send('watch bar\r\nmulti\r\nset bar 1\r\n');
    await watching.readTo('+QUEUED\r\n');
    cluster.map = { ...HALVES, copies: Array(4096).fill([other]) };
    expect(await client.ask('exec')).toBe('-MOVED 5061 there:7001\r\n');
    expect(await watching.ask('exec')).toBe(`-${DISCARDED}: MOVED 5061 there:7001\r\n`);
    cluster.map = HALVES;
    expect(await client.ask('get bar')).toBe('$-1\r\n');
  });
});

it('commands about all keys read those of the partitions that the node serves', async () => {
  const scanned: unknown[] = [];
  operations.scan = async ({ partitions }) => {
    scanned.push([partitions?.length, partitions?.[0], partitions?.at(-1)]);
    return { missingNodes: [], lines: linesOf(), close: () => undefined };
  };
  await client.ask('keys *', 'dbsize', 'flushall', 'scan 2047');
  expect(scanned).toEqual([...Array(3).fill([2048, 0, 2047]), [1, 2047, 2047]]);
});

it('WAIT tells how many other copies have the writes', async () => {
  expect(await client.ask('wait 0 0')).toBe(':1\r\n');
});

describe('CLUSTER', () => {
  it('lists the slots that are served, with their primaries only', async () => {
    const node = ({ id, host, port }: ClusterNode) =>
      `*3\r\n$${host.length}\r\n${host}\r\n:${port}\r\n$40\r\n${id}\r\n`;
    expect(await client.ask('cluster slots')).toBe(
      `*2\r\n*3\r\n:0\r\n:8191\r\n${node(self)}*3\r\n:8192\r\n:16379\r\n${node(other)}`,
    );
  });

  it('leaves out slots without a primary', async () => {
    const copies = HALVES.copies.map((nodes, partition) => (partition === 5 ? [] : nodes));
    cluster.map = { ...HALVES, copies };
    expect(await client.ask('cluster nodes')).toMatch(/ connected 0-19 24-8191\n/);
  });

  it('lists the nodes with the slots whose primary they are', async () => {
    expect(await client.ask('cluster nodes')).toContain(
      `${self.id} here:7000@0 myself,master - 0 0 3 connected 0-8191\n` +
        `${other.id} there:7001@0 master - 0 0 3 connected 8192-16379\n`,
    );
  });

  it('lists slots anew when the map changes', async () => {
    const before = await client.ask('cluster slots');
    expect(await client.ask('cluster slots')).toBe(before);
    cluster.map = { ...HALVES, copies: Array(4096).fill([self]) };
    expect(await client.ask('cluster slots')).toMatch(/^\*1\r\n\*3\r\n:0\r\n:16383\r\n/);
  });

  it('lists shards, one for each primary, none of which is a replica too', async () => {
    const shards = await client.ask('cluster shards');
    expect(shards).toMatch(/^\*2\r\n\*4\r\n\$5\r\nslots\r\n\*2\r\n:0\r\n:8191\r\n\$5\r\nnodes\r\n\*1\r\n/);
    expect(shards.match(/\$6\r\nmaster\r\n/g)).toHaveLength(2);
    expect(shards).not.toContain('replica\r\n');
  });

  it('tells how many slots are served, and fails only if none is, or if the node is not in the topology', async () => {
    const info = () => client.ask('cluster info');
    expect(await info()).toMatch(/cluster_state:ok\r\ncluster_slots_assigned:16380\r\n/);
    cluster.map = { ...HALVES, copies: Array(4096).fill([self]) };
    expect(await info()).toMatch(/cluster_state:ok\r\n[^]*cluster_size:1\r\n/);
    cluster.map = { ...HALVES, self: undefined };
    expect(await info()).toMatch(/cluster_state:fail\r\n/);
    cluster.map = { ...HALVES, copies: [] };
    expect(await info()).toMatch(/cluster_state:fail\r\n/);
  });

  describe('in many ranges of slots', () => {
    beforeEach(() => {
      cluster.map = { ...HALVES, copies: Array.from({ length: 4096 }, (_, i) => [i % 2 ? self : other]) };
    });

    it.each(['cluster slots', 'cluster shards', 'cluster nodes', 'command'])(
      'answers %s although replies that clients do not read exceed the budget',
      async (command) => {
        const replies = await client.ask(command, 'hello 3', command);
        server.admission.addUnread(2e9);
        expect(await client.ask('get bar')).toMatch(/^-TRYAGAIN /);
        expect(await client.ask('hello 2', command, 'hello 3', command)).toContain(replies);
      },
    );

    it.each(['cluster slots', 'cluster shards'])(
      'sends all clients the same bytes for %s, so that replies they do not read take no memory',
      async (command) => {
        const write = jest.spyOn(Socket.prototype, 'write');
        const replies = [
          await client.ask('ping', command),
          await (await server.connect()).ask('ping', command),
        ];
        const large = write.mock.calls.map(([bytes]) => bytes).filter(({ length }) => length > 50_000);
        write.mockRestore();
        expect(replies[0]).toMatch(/^\+PONG\r\n\*\d+\r\n\*/);
        expect(replies[1]).toBe(replies[0]);
        expect(large).toHaveLength(2);
        expect(large[1]).toBe(large[0]);
      },
    );
  });

  it('counts the keys of a slot that this node serves', async () => {
    const pair = (text: string) => `{"key":{"encoding":"string","data":"${text}"}}\n`;
    const scanned: unknown[] = [];
    operations.scan = async ({ partitions, values }) => {
      scanned.push({ partitions, values });
      return { missingNodes: [], lines: linesOf(pair('bar'), pair('{bar}2')), close: () => undefined };
    };
    expect(
      await client.ask(
        'cluster countkeysinslot 5061',
        'cluster countkeysinslot 5060',
        'cluster countkeysinslot 12182',
      ),
    ).toBe(':2\r\n:0\r\n:0\r\n');
    expect(scanned).toEqual([5061, 5060].map((slot) => ({ partitions: [slot >>> 2], values: false })));
    expect(await client.ask('cluster countkeysinslot 16384')).toBe('-ERR Invalid slot\r\n');
  });

  it('reads no keys of a slot while the server is full', async () => {
    while (server.admission.enter(0) === undefined);
    expect(await client.ask('cluster countkeysinslot 5061', 'cluster keyslot bar')).toBe(
      '-TRYAGAIN 100 requests are in flight\r\n:5061\r\n',
    );
  });

  it('tells the slot of a key, and the id of the node', async () => {
    expect(await client.ask('cluster keyslot {user1000}.following', 'cluster myid')).toBe(
      `:3443\r\n$40\r\n${self.id}\r\n`,
    );
  });

  it('goes with READONLY and READWRITE, which change nothing', async () => {
    expect(await client.ask('readonly', 'readwrite')).toBe('+OK\r\n+OK\r\n');
  });
});

it('a node of a cluster has one database', async () => {
  expect(await client.ask('select 0', 'select 1')).toBe(
    '+OK\r\n-ERR SELECT is not allowed in cluster mode\r\n',
  );
});

it('a server without a cluster says so', async () => {
  const proxy = await TestRedis.start();
  const asked = await proxy.connect();
  expect(await asked.ask('cluster slots', 'readonly', 'readwrite')).toBe(
    '-ERR This instance has cluster support disabled\r\n'.repeat(3),
  );
  await proxy.close();
});

async function* linesOf(...lines: string[]): AsyncGenerator<Uint8Array> {
  for (const line of lines) yield Buffer.from(line);
}
