import { systemClock } from '@kvs/kv-store';
import { until } from '@kvs/protocol/testing';
import { bulk, CLOSE, instead, single, slots, WRITTEN, type FakeRedis } from '../test/fake-redis.js';
import { AMPLE_MS, FakeServers, slotOf } from '../test/fake-servers.js';
import { placed, read, write } from '../test/pairs.js';
import { partitionKeys } from './data/partition-keys.js';
import { redisEngine } from './redis-engine.js';

const servers = new FakeServers();
afterEach(() => servers.close());
const { start, open } = servers;

describe('a slot that moves', () => {
  it('is followed by ASKING, command by command, also with the text of a script', async () => {
    const [from, to] = [await start(), await start()];
    const ask = `-ASK ${slotOf('a')} 127.0.0.1:${to.port}\r\n`;
    const isOfA = ([, , , key]: readonly string[]) =>
      key === partitionKeys('kvs')(placed('a').partition).pairs;
    const map = slots([[0, 16_383, from]]);
    from.script = instead({
      CLUSTER: map,
      EVALSHA: (command) => (isOfA(command) ? ask : WRITTEN),
    });
    to.script = instead({ CLUSTER: map, EVALSHA: '-NOSCRIPT No matching script.\r\n' });
    const engine = await open(from);
    expect(await engine.setMany([write('a'), write('b')])).toMatchObject([
      { status: 'written' },
      { status: 'written' },
    ]);
    expect(to.dataCommands).toEqual(['ASKING', 'EVALSHA', 'ASKING', 'EVAL']);
    expect(new Set(from.dataCommands)).toEqual(new Set(['EVALSHA']));
  });

  it('is sent to the server that MOVED names, before the map does', async () => {
    const [from, to] = [await start(), await start()];
    const map = slots([[0, 16_383, from]]);
    from.script = instead({ CLUSTER: map, HMGET: `-MOVED ${slotOf('a')} :${to.port}\r\n` });
    to.script = instead({ CLUSTER: map });
    const engine = await open(from);
    expect(await read(engine, 'a')).toBe('absent');
    expect(to.dataCommands).toEqual(['HMGET']);
  });

  it('is sent to its owner, without ASKING, when the server that ASK names does not take it', async () => {
    const [from, refusing, owner] = [await start(), await start(), await start()];
    const map = slots([[0, 16_383, from]]);
    const redirection = (kind: string, { port }: FakeRedis) =>
      `-${kind} ${slotOf('a')} 127.0.0.1:${port}\r\n`;
    from.script = instead({ CLUSTER: map, HMGET: redirection('ASK', refusing) });
    refusing.script = instead({ CLUSTER: map, HMGET: redirection('MOVED', owner) });
    owner.script = instead({ CLUSTER: map });
    const engine = await open(from);
    expect(await read(engine, 'a')).toBe('absent');
    // While the owner is not connected, the request may take the same way again.
    expect(refusing.dataCommands.slice(0, 2)).toEqual(['ASKING', 'HMGET']);
    expect(owner.dataCommands).toEqual(['HMGET']);
  });

  it('is asked of its owner again when the server that ASK names ends', async () => {
    const [owner, ending] = [await start(), await start()];
    const map = slots([[0, 16_383, owner]]);
    const ask = `-ASK ${slotOf('a')} 127.0.0.1:${ending.port}\r\n`;
    owner.script = instead({
      CLUSTER: map,
      HMGET: (command) => (ending.dataCommands.includes('HMGET') ? single(command, 0) : ask),
    });
    ending.script = instead({ CLUSTER: map, HMGET: CLOSE });
    const engine = await open(owner);
    expect(await read(engine, 'a')).toBe('absent');
    expect(ending.dataCommands).toEqual(['ASKING', 'HMGET']);
  });
});

describe('the map of a Cluster', () => {
  const [low = '', high = ''] = ['a', 'b'].sort((one, other) => slotOf(one) - slotOf(other));

  it.each([
    ['an empty', () => slots([]), ['HMGET'], ['HMGET']],
    ['a partial', (other: FakeRedis) => slots([[0, slotOf(low), other]]), [], ['HMGET', 'HMGET']],
  ])('survives %s answer, which replaces only what it names', async (_, later, ofFirst, ofSecond) => {
    const [first, second] = [await start(), await start()];
    const whole = slots([
      [0, slotOf(low), first],
      [slotOf(low) + 1, 16_383, second],
    ]);
    for (const fake of [first, second]) fake.script = instead({ CLUSTER: whole });
    const engine = await open(first);
    expect(await read(engine, high)).toBe('absent');
    let asked = 0;
    const answer = (command: readonly string[]) => {
      if (command[1] === 'SLOTS') asked++;
      return later(second);
    };
    for (const fake of [first, second]) fake.script = instead({ CLUSTER: answer });
    await until(() => asked > 2);
    second.received.length = 0;
    expect([await read(engine, low), await read(engine, high)]).toEqual(['absent', 'absent']);
    expect([first.dataCommands, second.dataCommands]).toEqual([ofFirst, ofSecond]);
    expect(engine.obstacle()).toBeUndefined();
  });

  it('is asked of other servers where one does not know it whole', async () => {
    const [reset, knowing] = [await start(), await start()];
    reset.script = instead({ CLUSTER: slots([]) });
    knowing.script = instead({ CLUSTER: slots([[0, 16_383, knowing]]) });
    const engine = await open(reset, { urls: [reset.url, knowing.url] });
    expect(await read(engine, 'a')).toBe('absent');
    expect(knowing.dataCommands).toEqual(['HMGET']);
  });
});

it('the map of a primary that is cut off from its Cluster is not used, although it is complete', async () => {
  const [primary, successor] = [await start(), await start()];
  let asked = 0;
  const answer = (state: string, owner: FakeRedis) => (command: readonly string[]) => {
    if (command[1] !== 'INFO') return slots([[0, 16_383, owner]]);
    asked++;
    return bulk(`cluster_enabled:1\r\ncluster_state:${state}\r\n`);
  };
  for (const fake of [primary, successor]) fake.script = instead({ CLUSTER: answer('ok', primary) });
  const engine = await open(primary, { urls: [primary.url, successor.url] });
  await until(() => successor.received.length > 0);
  primary.script = instead({ CLUSTER: answer('fail', primary) });
  successor.script = instead({ CLUSTER: answer('ok', successor) });
  const askedBefore = asked;
  await until(() => asked > askedBefore + 4);
  expect(await read(engine, 'a')).toBe('absent');
  expect([primary.dataCommands, successor.dataCommands]).toEqual([[], ['HMGET']]);
});

describe('an engine does not open on a server', () => {
  const opening = (url: string, ...more: string[]) =>
    redisEngine({ urls: [url, ...more], timeoutMs: AMPLE_MS })({ clock: systemClock });

  it('of a Cluster, with another database than 0', async () => {
    const fake = await start(instead({ SELECT: '-ERR SELECT is not allowed in cluster mode\r\n' }));
    await expect(opening(`${fake.url}/1`)).rejects.toMatchObject({
      code: 'engine_unavailable',
      message: expect.stringMatching(/database 1 cannot be used: ERR SELECT is not allowed in cluster mode/),
    });
    expect(fake.dataCommands).toEqual([]);
  });

  it('of no Cluster, as one of several', async () => {
    const [one, other] = [await start(), await start()];
    await expect(opening(one.url, other.url)).rejects.toMatchObject({
      code: 'engine_unavailable',
      message: expect.stringContaining('several URLs are for a Cluster only'),
    });
  });
});
