import { ManualTime, until } from '@kvs/protocol/testing';
import {
  array,
  CLOSE,
  instead,
  PAIR,
  PAIR_SIZE,
  single,
  slots,
  WRITTEN,
  type FakeRedis,
  type FakeScript,
} from '../test/fake-redis.js';
import { AMPLE_MS, FakeServers, slotOf } from '../test/fake-servers.js';
import { placed, read, write } from '../test/pairs.js';
import { readOperation } from './batch-runner.js';
import { partitionKeys } from './data/partition-keys.js';
import { SET } from './data/scripts.js';
import { settingsOf } from './redis-engine-options.js';
import { Deadline } from './servers/deadline.js';
import { PartitionClient } from './servers/partition-client.js';
import { RedisConnection } from './servers/redis-connection.js';
import { Topology } from './servers/topology.js';

const servers = new FakeServers();
afterEach(() => servers.close());
const { start, open } = servers;

/** Whose time is over before anything is sent again. */
class OverAtFirstPause extends Deadline {
  #isOver = false;

  override get isOver(): boolean {
    return this.#isOver;
  }

  override pause(): Promise<void> {
    this.#isOver = true;
    return Promise.resolve();
  }
}

/** Replies with an error once, and from then on as ever. */
function once(error: string): FakeScript {
  let isFirst = true;
  return (command, connection) => {
    if (!isFirst) return single(command, connection);
    isFirst = false;
    return `-${error}\r\n`;
  };
}

describe('an error of the server', () => {
  it.each([
    'TRYAGAIN Multiple keys request during rehashing of slot',
    'CLUSTERDOWN The cluster is down',
    'LOADING Redis is loading the dataset in memory',
    'BUSY Redis is busy running a script',
  ])('that passes is waited for: %s', async (error) => {
    const fake = await start(instead({ EVALSHA: once(error), HMGET: once(error) }));
    const engine = await open(fake);
    expect(await engine.setMany([write('a')])).toEqual([{ status: 'written', version: 1, created: true }]);
    expect(await read(engine, 'a')).toBe('absent');
    expect(fake.dataCommands).toEqual(['EVALSHA', 'EVALSHA', 'HMGET', 'HMGET']);
    expect(fake.connectionCount).toBe(1);
  });

  it.each([
    "READONLY You can't write against a read only replica. script: " +
      '0'.repeat(40) +
      ', on @user_script:3.',
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    'NOAUTH Authentication required.',
  ])('that does not pass on this connection makes the engine connect anew: %s', async (error) => {
    const fake = await start(
      instead({ EVALSHA: (_command, connection) => (connection === 0 ? `-${error}\r\n` : WRITTEN) }),
    );
    const engine = await open(fake);
    expect(await engine.setMany([write('a')])).toEqual([{ status: 'written', version: 1, created: true }]);
    expect([fake.dataCommands, fake.connectionCount]).toEqual([['EVALSHA', 'EVALSHA'], 2]);
  });

  it.each([
    'MISCONF Redis is configured to save RDB snapshots, but it is currently not able to persist on disk.',
    'NOREPLICAS Not enough good replicas to write.',
    "NOPERM this user has no permissions to run the 'evalsha' command",
    'ERR something new',
  ])('that an operator must mend is reported at once, in its own words: %s', async (error) => {
    const fake = await start(instead({ EVALSHA: `-${error}\r\n`, HMGET: `-${error}\r\n` }));
    const engine = await open(fake);
    const message = `Redis at 127.0.0.1:${fake.port}: ${error}`;
    await expect(engine.setMany([write('a')])).rejects.toMatchObject({ code: 'engine_unavailable', message });
    await expect(read(engine, 'a')).rejects.toMatchObject({ code: 'engine_unavailable', message });
    expect(fake.dataCommands).toEqual(['EVALSHA', 'HMGET']);
  });

  it.each(['ERR cannot run this command', "NOPERM this user has no permissions to run the 'zadd' command"])(
    'in a script that may have changed something leaves it open whether it did: %s',
    async (reason) => {
      const error = `${reason} script: ${'0'.repeat(40)}, on @user_script:30.`;
      const fake = await start(instead({ EVALSHA: `-${error}\r\n` }));
      const engine = await open(fake);
      expect(await engine.setMany([write('a')])).toEqual([
        {
          status: 'unavailable',
          message: `Redis at 127.0.0.1:${fake.port}: ${reason}`,
          maybeApplied: true,
        },
      ]);
    },
  );

  it.each(['MISCONF Errors writing to the AOF file', 'NOREPLICAS Not enough good replicas to write.'])(
    'before the first write of a script means that nothing was changed: %s',
    async (reason) => {
      const fake = await start(
        instead({ EVALSHA: `-${reason} script: ${'0'.repeat(40)}, on @user_script:30.\r\n` }),
      );
      const engine = await open(fake);
      await expect(engine.setMany([write('a')])).rejects.toMatchObject({
        code: 'engine_unavailable',
        message: expect.stringContaining(reason),
      });
    },
  );

  it('about one of two partitions leaves the item of the other written', async () => {
    const { pairs } = partitionKeys('kvs')(placed('b').partition);
    const fake = await start(
      instead({ EVALSHA: ([, , , key]) => (key === pairs ? '-MISCONF no disk\r\n' : WRITTEN) }),
    );
    const engine = await open(fake);
    expect(await engine.setMany([write('a'), write('b')])).toEqual([
      { status: 'written', version: 1, created: true },
      { status: 'unavailable', message: `Redis at 127.0.0.1:${fake.port}: MISCONF no disk` },
    ]);
  });

  it('of a full server is out_of_memory for a write, and its own words for a delete', async () => {
    const fake = await start(
      instead({ EVALSHA: "-OOM command not allowed when used memory > 'maxmemory'.\r\n" }),
    );
    const engine = await open(fake);
    expect(await engine.setMany([write('a')])).toEqual([{ status: 'out_of_memory' }]);
    const deleting = engine.deleteMany([{ ...placed('a'), ifVersion: undefined }]);
    await expect(deleting).rejects.toMatchObject({ message: expect.stringContaining('OOM command') });
  });

  it('is reported when the time is over, nothing was applied, and nothing more is sent', async () => {
    const error = 'LOADING Redis is loading the dataset in memory';
    const fake = await start(instead({ EVALSHA: `-${error}\r\n` }));
    const topology = new Topology(settingsOf({ urls: [fake.url], timeoutMs: AMPLE_MS }));
    await topology.refresh();
    const deadline = new OverAtFirstPause(AMPLE_MS);
    const keys = partitionKeys('kvs')(placed('a').partition);
    const replies = await new PartitionClient(topology).send(
      [{ keys, run: SET, args: [], isWrite: true }],
      deadline,
    );
    deadline.end();
    topology.close();
    const message = `Redis at 127.0.0.1:${fake.port}: ${error}`;
    expect(replies).toEqual([{ kind: 'unavailable', message, maybeApplied: false }]);
    expect(fake.dataCommands).toEqual(['EVALSHA']);
  });

  it.each(['MOVED', 'ASK'])(
    'that redirects in a circle is not followed for ever without a pause: %s',
    async (kind) => {
      const [one, other] = [await start(), await start()];
      const keys = partitionKeys('kvs')(placed('a').partition);
      const map = slots([
        [0, keys.slot, one],
        [keys.slot + 1, 16_383, other],
      ]);
      const redirection = ({ port }: FakeRedis) => `-${kind} ${keys.slot} 127.0.0.1:${port}\r\n`;
      one.script = instead({ CLUSTER: map, HMGET: redirection(other) });
      other.script = instead({ CLUSTER: map, HMGET: redirection(one) });
      const topology = new Topology(settingsOf({ urls: [one.url], timeoutMs: AMPLE_MS }));
      await topology.refresh();
      await until(() => topology.serverAt({ host: '127.0.0.1', port: other.port }).isUp);
      const deadline = new OverAtFirstPause(AMPLE_MS);
      const replies = await new PartitionClient(topology).send(
        [{ keys, ...readOperation('HMGET', ['a']) }],
        deadline,
      );
      deadline.end();
      topology.close();
      expect(replies).toMatchObject([{ kind: 'unavailable', maybeApplied: false }]);
      const attempts = [...one.dataCommands, ...other.dataCommands].filter((name) => name === 'HMGET');
      expect(attempts).toHaveLength(6);
    },
  );

  it('is reported together with the silence after it', async () => {
    const refuseFirst = once('BUSY Redis is busy running a script');
    let count = 0;
    const fake = await start(
      instead({
        HMGET: (command, connection) => (count++ === 0 ? refuseFirst(command, connection) : undefined),
      }),
    );
    const time = new ManualTime();
    const engine = await open(fake, {}, time);
    const reading = read(engine, 'a');
    await until(() => count === 2);
    time.advanceMs(AMPLE_MS);
    await expect(reading).rejects.toThrow(/^Redis at .* did not answer in time; before: .*: BUSY Redis/);
  });
});

it('a server that loads its data is an obstacle until it has', async () => {
  const fake = await start(instead({ PING: '-LOADING Redis is loading the dataset in memory\r\n' }));
  const engine = await open(fake);
  expect(engine.obstacle()).toBe(
    `Redis at 127.0.0.1:${fake.port}: LOADING Redis is loading the dataset in memory`,
  );
  fake.script = single;
  await until(() => engine.obstacle() === undefined);
});

describe('a connection to another database than 0', () => {
  it('is tried again while the server cannot select the database', async () => {
    const fake = await start(instead({ SELECT: '-BUSY Redis is busy running a script\r\n' }));
    const engine = await open(fake, { urls: [`${fake.url}/1`] });
    expect(engine.obstacle()).toBe(
      `Redis at 127.0.0.1:${fake.port}: database 1 cannot be used: BUSY Redis is busy running a script`,
    );
    fake.script = single;
    expect(await read(engine, 'a')).toBe('absent');
  });

  it('is not up when it is lost before the database is selected', async () => {
    const fake = await start(instead({ SELECT: CLOSE }));
    const address = { host: '127.0.0.1', port: fake.port };
    const access = { username: undefined, password: undefined, database: 1, tls: undefined };
    const connection = new RedisConnection(address, access, AMPLE_MS);
    try {
      await connection.settled;
      await until(() => fake.connectionCount > 1);
      expect([connection.isUp, connection.problem?.kind]).toEqual([false, 'passing']);
    } finally {
      connection.close();
    }
  });
});

describe('a connection that is lost', () => {
  it('leaves it open whether a write was applied, at once; a read is sent again', async () => {
    const closeFirst = (reply: string): FakeScript => {
      let isFirst = true;
      return () => {
        if (!isFirst) return reply;
        isFirst = false;
        return CLOSE;
      };
    };
    const fake = await start(
      instead({ EVALSHA: closeFirst(WRITTEN), HMGET: closeFirst(array(['$-1\r\n'])) }),
    );
    const engine = await open(fake);
    expect(await engine.setMany([write('a')])).toEqual([
      { status: 'unavailable', message: expect.stringContaining('connection was lost'), maybeApplied: true },
    ]);
    expect(await read(engine, 'a')).toBe('absent');
    expect(fake.dataCommands).toEqual(['EVALSHA', 'HMGET', 'HMGET']);
  });
});

describe('a fetch of several keys', () => {
  const texts = Array.from({ length: 20 }, (_, index) => `key-${index}`);
  const MIB = 1024 * 1024;

  it('asks for the sizes, and then for the pairs that exist, without a script', async () => {
    const idOf = (text: string) => placed(text).id;
    const fake = await start(
      instead({
        HSTRLEN: ([, , id]) => (id === idOf('key-3') ? PAIR_SIZE : ':0\r\n'),
        HMGET: array([PAIR]),
      }),
    );
    const engine = await open(fake);
    const outcomes = await engine.getMany(texts.map(placed), MIB);
    expect(outcomes.map(({ status }) => status)).toEqual(
      texts.map((text) => (text === 'key-3' ? 'found' : 'absent')),
    );
    expect(fake.dataCommands).toEqual([...texts.map(() => 'HSTRLEN'), 'HMGET']);
  });

  it('reads no value when all together are too large, however few there are', async () => {
    const fake = await start(instead({ HSTRLEN: `:${MIB}\r\n`, EVALSHA: array([':1\r\n']) }));
    const engine = await open(fake);
    const fetching = engine.getMany([placed('a'), placed('b')], 1.5 * MIB);
    await expect(fetching).rejects.toMatchObject({ code: 'answer_too_large' });
    expect(fake.dataCommands).not.toContain('HMGET');
  });

  it('takes expired pairs for absent, although they have sizes until they are reclaimed', async () => {
    const fake = await start(instead({ HSTRLEN: `:${MIB}\r\n`, EVALSHA: array([':0\r\n']) }));
    const engine = await open(fake);
    expect(await engine.getMany([placed('a'), placed('b')], 1.5 * MIB)).toEqual([
      { status: 'absent' },
      { status: 'absent' },
    ]);
    expect(fake.dataCommands).not.toContain('HMGET');
  });

  it('is one call: closing waits for all of it', async () => {
    let closing: Promise<void> | undefined;
    const fake = await start();
    const engine = await open(fake);
    const closeAndTellSize = () => {
      closing ??= engine.close();
      return PAIR_SIZE;
    };
    fake.script = instead({ HSTRLEN: closeAndTellSize, HMGET: array([PAIR]) });
    expect(await engine.getMany([placed('a'), placed('b')], MIB)).toMatchObject([
      { status: 'found' },
      { status: 'found' },
    ]);
    await closing;
  });

  it.each(['LOADING Redis is loading the dataset in memory', 'CLUSTERDOWN The cluster is down'])(
    'reads from one server while another does not serve: %s',
    async (error) => {
      const [low, high] = [await start(), await start()];
      const [ofLow = '', ofHigh = ''] = ['a', 'b'].sort((one, other) => slotOf(one) - slotOf(other));
      const map = slots([
        [0, slotOf(ofLow), low],
        [slotOf(ofLow) + 1, 16_383, high],
      ]);
      low.script = instead({ CLUSTER: map, HSTRLEN: PAIR_SIZE, HMGET: array([PAIR]) });
      high.script = instead({ CLUSTER: map, HSTRLEN: `-${error}\r\n` });
      const time = new ManualTime();
      const engine = await open(low, {}, time);
      const fetching = engine.getMany([placed(ofHigh), placed(ofLow)], MIB);
      // It is waited for until the time is over.
      await until(() => high.dataCommands.length > 2);
      time.advanceMs(AMPLE_MS);
      expect(await fetching).toMatchObject([
        { status: 'unavailable', message: expect.stringContaining(error) },
        { status: 'found' },
      ]);
    },
  );
});

describe('writes that wait for replicas', () => {
  it('are not sent after their time, and then surely not applied', async () => {
    const fake = await start(instead({ WAIT: undefined }));
    const time = new ManualTime();
    const engine = await open(fake, { waitReplicas: 1 }, time);
    const first = engine.setMany([write('a')]);
    const second = engine.setMany([write('b')]);
    await until(() => fake.dataCommands.length === 2);
    time.advanceMs(AMPLE_MS);
    expect(await first).toMatchObject([{ status: 'unavailable', maybeApplied: true }]);
    await expect(second).rejects.toThrow('waiting for their replicas');
    fake.cut();
    await until(() => fake.connectionCount === 4);
    expect(fake.dataCommands).toEqual(['EVALSHA', 'WAIT']);
  });

  it('tell why Redis does not wait', async () => {
    const WAIT = "-NOPERM this user has no permissions to run the 'wait' command\r\n";
    const inDoubt = [
      { status: 'unavailable', message: expect.stringContaining('NOPERM'), maybeApplied: true },
    ];
    const fake = await start(instead({ WAIT }));
    const engine = await open(fake, { waitReplicas: 1 });
    expect(await engine.setMany([write('a')])).toMatchObject(inDoubt);
    fake.script = instead({ WAIT, EVALSHA: array([':1\r\n']) });
    expect(await engine.deleteMany([{ ...placed('a'), ifVersion: undefined }])).toMatchObject(inDoubt);
  });
});
