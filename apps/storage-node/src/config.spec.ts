import { StartError } from '@kvs/server';
import { readConfig } from './config.js';

it('a host and a port are two words', () => {
  expect(readConfig(['localhost', '3000'])).toMatchObject({ host: 'localhost', port: 3000 });
  expect(readConfig(['::', '0', '--max-batch-items', '5'])).toMatchObject({
    host: '::',
    port: 0,
    limits: { maxBatchItems: 5 },
  });
});

it('a node of a cluster has proxies, a name, a zone and a weight', () => {
  const options = ['--join', 'http://a:1', 'http://b:2/', '--id', 'n1', '--zone', 'z', '--weight', '2.5'];
  expect(readConfig(['localhost', '3000', ...options]).cluster).toEqual({
    join: ['http://a:1', 'http://b:2'],
    id: 'n1',
    address: undefined,
    zone: 'z',
    weight: 2.5,
  });
});

it.each([
  [[], 0],
  [['--redis-port', '7000'], 7000],
  [['--redis-port', 'auto'], 'auto'],
])('with %j, Redis clients are served at %p, where 0 is nowhere', (options, redisPort) => {
  expect(readConfig(['localhost', '3000', ...options]).redisPort).toBe(redisPort);
});

it.each([
  [['localhost', '3000'], undefined],
  [['0.0.0.0', '3000', '--address', 'a.example:3000'], 'a.example'],
  [['::', '3000', '--address', '[::1]:3000'], '::1'],
  [['0.0.0.0', '3000', '--address', 'a.example:3000', '--announce-host', 'b.example'], 'b.example'],
])('with %j, Redis clients are sent to the host %p', (argv, announceHost) => {
  expect(readConfig([...argv, '--redis-port', '7000']).cluster.announceHost).toBe(announceHost);
});

describe('bad arguments are refused with exit code 2', () => {
  it.each([
    [[], /'host'/],
    [['localhost'], /'port'/],
    [['localhost', '3000', '--join', 'proxy:8080'], /must be a URL/],
    [['0.0.0.0', '3000', '--join', 'http://a'], /needs --address/],
    [['0.0.0.0', '3000', '--redis-port', '7000'], /needs --address or --announce-host/],
    [['localhost', '3000', '--weight', '0'], /from 0.000001 to 1000000/],
    [['localhost', '3000', '--weight', '0.0000009'], /from 0.000001/],
    [['localhost', '3000', '--id', 'a b'], /1 to 260 letters/],
    [['localhost', '3000', '--zone', 'a\nb'], /can be printed/],
    [['localhost', '99999'], /'99999' is invalid/],
    [['localhost', '-1'], /'-1'/],
    [['localhost', 'http'], /'http' is invalid/],
    [['localhost', ''], /'' is invalid/],
    [['localhost', '3000', 'more'], /too many arguments/],
    [['localhost', '3000', '--verbose'], /--verbose/],
    [['localhost', '3000', '--max-key-bytes', 'many'], /max-key-bytes/],
    [['localhost', '3000', '--max-key-bytes', '0'], /max-key-bytes/],
    [['localhost', '3000', '--log-level', 'loud'], /log-level/],
    [['localhost 3000'], /'port'/],
  ])('%j', (argv, message) => {
    expect(refusalOf(argv)).toEqual([2, expect.stringMatching(message)]);
  });

  it.each([
    [['--engine', 'rocks'], /--engine/],
    [['--max-memory', '10 potatoes'], /max-memory.*512mb/],
    [['--max-memory', '1kb'], /max-memory.*4mb/],
    [['--max-memory', '-1gb'], /max-memory.*512mb/],
    [['--max-memory', ''], /max-memory.*512mb/],
    [['--max-memory', '9999999999gb'], /max-memory.*512mb/],
    [['--eviction', 'random'], /--eviction.*none, lru, sieve/],
    [['--snapshot-dir', ''], /--snapshot-dir/],
    [['--snapshot-interval', '5'], /need --snapshot-dir/],
    [['--snapshot-dir', '.', '--snapshot-interval', '1000001'], /--snapshot-interval.*from 0 to 1000000/],
    [['--snapshot-dir', '.', '--snapshot-interval', '-5'], /--snapshot-interval.*from 0 to 1000000/],
    [['--ignore-damaged-snapshot'], /need --snapshot-dir/],
    [['--data-dir', '.'], /--data-dir is for --engine lmdb, not for memory/],
    [['--redis-url', 'redis://localhost'], /--redis-url is for --engine redis, not for memory/],
    [['--engine', 'lmdb'], /--engine lmdb needs --data-dir/],
    [['--engine', 'lmdb', '--data-dir', ''], /--data-dir/],
    [['--engine', 'lmdb', '--data-dir', '.', '--eviction', 'lru'], /--eviction is for --engine memory/],
    [['--engine', 'lmdb', '--data-dir', '.', '--durability', 'none'], /--durability/],
    [['--engine', 'redis', '--max-memory', '1gb'], /--max-memory is for --engine memory/],
    [['--engine', 'redis', '--redis-wait', 'all'], /redis-wait/],
    [['--engine', 'redis', '--redis-wait', '-1'], /redis-wait/],
  ])('%j', (argv, message) => {
    expect(refusalOf(['localhost', '0', ...argv])).toEqual([2, expect.stringMatching(message)]);
  });
});

it('the engine checks the URLs of Redis', () => {
  const argv = ['localhost', '0', '--engine', 'redis', '--redis-url', 'valkeys://a,valkeys://b', 'neither'];
  expect(readConfig(argv).engine).toMatchObject({ urls: ['valkeys://a', 'valkeys://b', 'neither'] });
});

describe('variables', () => {
  const before = { ...process.env };
  afterEach(() => {
    process.env = { ...before };
  });

  it.each([
    ['KVS_DATA_DIR', '.', /--data-dir is for --engine lmdb/],
    ['KVS_SNAPSHOT_DIR', '', /--snapshot-dir/],
    ['KVS_MAX_MEMORY', 'much', /max-memory.*512mb/],
    ['KVS_IGNORE_DAMAGED_SNAPSHOT', 'perhaps', /KVS_IGNORE_DAMAGED_SNAPSHOT is true or false/],
    ['KVS_ENGINE', '', /--engine/],
  ])('%s=%s is refused with exit code 2', (name, value, message) => {
    process.env[name] = value;
    expect(refusalOf(['localhost', '0'])).toEqual([2, expect.stringMatching(message)]);
  });
});

/** The exit code and the message with which arguments are refused. */
function refusalOf(argv: readonly string[]): unknown {
  try {
    return readConfig(argv);
  } catch (error) {
    if (error instanceof StartError) return [error.exitCode, error.message];
    throw error;
  }
}
