import fc from 'fast-check';
import type { RespClient, RespReply } from './resp-client.js';

/** Arguments of a command, its name first. */
export type Arguments = readonly (string | Buffer)[];

/** Commands of two clients, in the order in which they are sent. */
export type Sequence = readonly { readonly client: 0 | 1; readonly command: Arguments }[];

const KEYS = ['a', 'b', 'c', '{t}1', '{t}2', 'né', Buffer.from([0xff, 0x61])] as const;
const key = fc.constantFrom<string | Buffer>(...KEYS);

const value = fc.oneof(
  fc.constantFrom<string | Buffer>(
    '',
    '0',
    '10',
    '-3',
    '9223372036854775807',
    '-9223372036854775808',
    '3.5',
    '007',
    ' 1',
  ),
  fc.string({ maxLength: 12 }),
  fc.integer().map(String),
  fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
);
const integer = fc.oneof(
  fc.integer({ min: -20, max: 20 }).map(String),
  fc.constantFrom(
    '9223372036854775807',
    '-9223372036854775808',
    '9223372036854775808',
    'x',
    '',
    '1.5',
    '01',
    '4611686018427387904',
  ),
);
/** Redis computes with floating point numbers. With few places and small sizes, they are exact to the 17 places that it shows. */
const decimal = fc.integer({ min: -4000, max: 4000 }).map((thousandths) => String(thousandths / 1000));
const float = fc.oneof(
  decimal,
  fc.constantFrom('0', '-0.5', '1e1', '5.0e-1', 'x', '', ' 1', '1e', '.5', '5.'),
);
/** Times are so far away that nothing expires during a test, or have passed. */
const seconds = fc.constantFrom(
  '1000',
  '20000',
  '300000',
  '0',
  '-1',
  'x',
  '',
  '9223372036854775807',
  '9300000000000000',
);
const moments = fc.constantFrom('4000000000', '5000000000', '1', '0', '-5', 'x', '9223372036854775807');
const LOWEST = '-9223372036854775808';
const millis = fc.constantFrom('1000000', '20000000', '300000000', '0', '-1', 'x', LOWEST);
const momentsMs = fc.constantFrom('4000000000000', '5000000000000', '1', '0', '-5', 'x', LOWEST);
/**
 * Times to live for GT and LT, each used once. If two are equal, their deadlines differ by the time between the commands, which
 * may be less than a millisecond at one server and more at the other.
 */
const comparedSeconds = fc.noBias(fc.integer({ min: 2000, max: 900_000 })).map(String);
const comparedMillis = fc.noBias(fc.integer({ min: 2_000_000, max: 900_000_000 })).map(String);
const word = (...words: string[]) => fc.constantFrom(...words);

const setOption: fc.Arbitrary<Arguments> = fc.oneof(
  word('NX', 'XX', 'GET', 'KEEPTTL', 'nx', 'get').map((option) => [option]),
  timeOption(),
  fc.constantFrom<Arguments>(['EX'], ['WHAT'], ['constructor', '1']),
);

function timeOption(): fc.Arbitrary<Arguments> {
  return fc.oneof(
    fc.tuple(fc.constant('EX'), seconds),
    fc.tuple(fc.constant('px'), millis),
    fc.tuple(fc.constant('EXAT'), moments),
    fc.tuple(fc.constant('PXAT'), momentsMs),
  );
}

function command(
  name: string,
  ...parts: fc.Arbitrary<string | Buffer | Arguments>[]
): fc.Arbitrary<Arguments> {
  return fc
    .tuple(...parts)
    .map((args) => [name, ...args.flatMap((arg) => (Array.isArray(arg) ? arg : [arg]))]);
}

function some<T>(
  one: fc.Arbitrary<T | readonly T[]>,
  minLength = 1,
  maxLength = 3,
): fc.Arbitrary<readonly T[]> {
  return fc
    .array(one, { minLength, maxLength })
    .map((all) => all.flatMap((each): readonly T[] => (Array.isArray(each) ? each : [each as T])));
}

const pair = fc.tuple(key, value);
const presenceOptions = some(word('NX', 'XX', 'nx', 'WHAT'), 0, 2);
const expireOptions = some(word('NX', 'XX', 'GT', 'LT', 'gt', 'WHAT'), 0, 2);
const keyspaceOptions = some(
  fc.oneof(fc.constant(['REPLACE']), fc.constantFrom(['DB', '0'], ['DB', 'x'])),
  0,
  2,
);

const COMMANDS: readonly fc.Arbitrary<Arguments>[] = [
  command('GET', key),
  command('get', key),
  command('SET', key, value),
  command('SET', key, value, some<string | Buffer>(setOption, 0, 3)),
  command('SETNX', key, value),
  command('SETEX', key, seconds, value),
  command('PSETEX', key, millis, value),
  command('GETSET', key, value),
  command('GETDEL', key),
  command(
    'GETEX',
    key,
    some<string | Buffer>(fc.oneof(timeOption(), fc.constantFrom(['PERSIST'], ['WHAT'])), 0, 2),
  ),
  command('MGET', some<string | Buffer>(key)),
  command('MSET', some<string | Buffer>(pair)),
  command('MSET', key, value, key),
  command('MSETNX', some<string | Buffer>(pair)),
  command('DEL', some<string | Buffer>(key)),
  command('UNLINK', some<string | Buffer>(key)),
  command('EXISTS', some<string | Buffer>(key)),
  command('TOUCH', some<string | Buffer>(key)),
  command('TYPE', key),
  command('EXPIRE', key, seconds, presenceOptions),
  command('EXPIRE', key, comparedSeconds, expireOptions),
  command('PEXPIRE', key, millis, presenceOptions),
  command('PEXPIRE', key, comparedMillis, expireOptions),
  command('EXPIREAT', key, moments, expireOptions),
  command('PEXPIREAT', key, momentsMs, expireOptions),
  command('TTL', key),
  command('PTTL', key),
  command('EXPIRETIME', key),
  command('PEXPIRETIME', key),
  command('PERSIST', key),
  command('STRLEN', key),
  command('INCR', key),
  command('DECR', key),
  command('INCRBY', key, integer),
  command('DECRBY', key, integer),
  command('INCRBYFLOAT', key, word('x', '', ' 1', '1e', 'inf', '-INFINITY', 'nan', '1e5000', '1e-5000')),
  command('APPEND', key, value),
  command('GETRANGE', key, integer, integer),
  command('SUBSTR', key, integer, integer),
  command('SETRANGE', key, fc.integer({ min: -2, max: 30 }).map(String), value),
  command('RENAME', key, key),
  command('RENAMENX', key, key),
  command('COPY', key, key, keyspaceOptions),
  command('OBJECT', word('ENCODING', 'REFCOUNT', 'IDLETIME', 'FREQ', 'refcount', 'WHAT'), key),
  command('CLIENT', word('WHAT', 'SETNAME', 'setname'), some(word('me', 'you'), 0, 2)),
  command('MEMORY', fc.constant('USAGE'), key, some(fc.tuple(word('SAMPLES', 'WHAT'), integer), 0, 1)),
  command('DBSIZE'),
  command('FLUSHALL', some(word('ASYNC', 'SYNC', 'WHAT'), 0, 1)),
  command('KEYS', word('*', 'a', '[ab]', '?', '{t}*', '*1', '[^a]')),
  command('SCAN', word('x', '1y'), some(word('COUNT', 'MATCH'), 0, 2)),
  command('RANDOMKEY', fc.constant('x')),
  command('MULTI'),
  command('MULTI'),
  command('EXEC'),
  command('EXEC'),
  command('DISCARD'),
  command('UNWATCH'),
  command('GET'),
  command('INCRBY', key),
  command('NOSUCH', word('x', 'y z')),
  command('ECHO', value),
];

/**
 * A key is written before it is watched: kvs does not notice that an absent key was created and deleted. Only commands that
 * write a pair change its version, so a watched key is as it was exactly if it is so in Redis.
 */
const watch: fc.Arbitrary<readonly Arguments[]> = fc.tuple(key, value).map(([watched, written]) => [
  ['SET', watched, written],
  ['WATCH', watched],
]);

/** Commands of a pipeline that go together as one batch, mostly. */
const batch: fc.Arbitrary<readonly Arguments[]> = fc
  .constantFrom(['DEL', 'UNLINK'], ['EXISTS', 'TOUCH', 'TYPE'], ['SETNX', 'SET'])
  .chain((names) =>
    fc.array(
      fc
        .tuple(fc.constantFrom(...names), key, value)
        .map(([name, ...args]): Arguments => (name.startsWith('SET') ? [name, ...args] : [name, args[0]])),
      { minLength: 2, maxLength: 5 },
    ),
  );

const step: fc.Arbitrary<readonly Arguments[]> = fc.oneof(
  { weight: 30, arbitrary: fc.oneof(...COMMANDS).map((one) => [one]) },
  { weight: 3, arbitrary: batch },
  { weight: 1, arbitrary: watch },
);

const decimalStep: fc.Arbitrary<readonly Arguments[]> = fc
  .oneof(
    command('SET', key, decimal),
    command('INCRBYFLOAT', key, float),
    command('INCRBYFLOAT', key, decimal),
    command('INCR', key),
    command('PERSIST', key),
    command('EXPIRE', key, seconds),
    command('STRLEN', key),
    command('DEL', key),
  )
  .map((one) => [one]);

export const sequences: fc.Arbitrary<Sequence> = fc.oneof(
  { weight: 19, arbitrary: sequencesOf(step) },
  { weight: 1, arbitrary: sequencesOf(decimalStep) },
);

function sequencesOf(steps: fc.Arbitrary<readonly Arguments[]>): fc.Arbitrary<Sequence> {
  return fc
    .array(fc.tuple(fc.constantFrom<0 | 1>(0, 0, 0, 1), steps), { minLength: 1, maxLength: 25 })
    .map((all) => all.flatMap(([client, commands]) => commands.map((one) => ({ client, command: one }))));
}

/** Runs a sequence on an empty server, and then reads all pairs. Commands of one client in a row are one pipeline. */
export async function runSequence(
  clients: readonly [RespClient, RespClient],
  sequence: Sequence,
): Promise<readonly RespReply[]> {
  await Promise.all(clients.map((client) => client.ask([['DISCARD'], ['UNWATCH']])));
  await clients[0].ask([['FLUSHALL']]);
  const replies: RespReply[] = [];
  for (let from = 0; from < sequence.length;) {
    const { client } = sequence[from] ?? { client: 0 };
    let to = from;
    while (sequence[to]?.client === client) to++;
    const run = sequence.slice(from, to).map(({ command: one }) => one);
    replies.push(...(await clients[client].ask(run)));
    from = to;
  }
  await Promise.all(clients.map((client) => client.ask([['DISCARD']])));
  const last = KEYS.flatMap((one): Arguments[] => [
    ['GET', one],
    ['PTTL', one],
  ]);
  replies.push(...(await clients[1].ask([...last, ['KEYS', '*'], ['DBSIZE']])));
  replies.push(await scanAll(clients[1]));
  return replies;
}

/** Returns the keys that all pages of a scan have. */
async function scanAll(client: RespClient): Promise<RespReply> {
  const keys: RespReply[] = [];
  let cursor = '0';
  do {
    const [reply] = await client.ask([['SCAN', cursor, 'COUNT', '1000']]);
    cursor = reply?.items?.[0]?.text ?? '0';
    keys.push(...(reply?.items?.[1]?.items ?? []));
  } while (cursor !== '0');
  return { type: '*', items: keys };
}
