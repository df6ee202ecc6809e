import { availableParallelism } from 'node:os';
import { StartError } from '@kvs/server';
import { DEFAULT_LIMITS } from '@kvs/protocol';
import { readConfig } from './config.js';

const nodesOf = (argv: readonly string[], environment = {}) => readConfig(argv, environment).nodes;

describe('the nodes', () => {
  it('are localhost:3000 when none are given', () => {
    expect(nodesOf([])).toEqual(['localhost:3000']);
  });

  it('are those of KVS_NODES, parted by commas or blanks', () => {
    expect(nodesOf([], { KVS_NODES: 'a:1,b:2 , c:3\n d:4' })).toEqual(['a:1', 'b:2', 'c:3', 'd:4']);
  });

  it('are those of the command line when there are any, in their order', () => {
    expect(nodesOf(['b:2', 'a:1'], { KVS_NODES: 'c:3' })).toEqual(['b:2', 'a:1']);
  });

  it('may be given in one word', () => {
    expect(nodesOf(['a:1,b:2'])).toEqual(['a:1', 'b:2']);
  });

  it('have one name each, however they are spelled', () => {
    expect(nodesOf(['LocalHost:03000', '[::1]:3001'])).toEqual(['localhost:3000', '[::1]:3001']);
  });
});

describe('the settings', () => {
  it('have defaults', () => {
    expect(readConfig([], {})).toMatchObject({
      host: 'localhost',
      port: 8080,
      nodeTimeoutMs: 5000,
      limits: DEFAULT_LIMITS,
    });
  });

  it('are read from the command line, among the nodes', () => {
    const config = readConfig(['a:1', '--port', '0', 'b:2', '--node-timeout-ms', '7', '--host', '::'], {});
    expect(config).toMatchObject({ nodes: ['a:1', 'b:2'], port: 0, nodeTimeoutMs: 7, host: '::' });
  });
});

describe('the workers', () => {
  it.each([
    [[], 1],
    [['--workers', '3'], 3],
    [['--workers', 'auto'], availableParallelism()],
  ])('of %j are %i', (argv, count) => {
    expect(readConfig(argv, {}).workers).toBe(count);
  });
});

describe('a cluster', () => {
  it('is off by default', () => {
    expect(readConfig([], {}).cluster).toBeUndefined();
  });

  it.each([
    ['memory', { kind: 'memory' }],
    ['file:/var/lib/kvs/topology', { kind: 'file', path: '/var/lib/kvs/topology' }],
    ['etcd:http://e:2379', { kind: 'etcd', endpoints: ['http://e:2379'], prefix: 'kvs' }],
    [
      'etcd:https://e:2379/one,https://f:2379',
      { kind: 'etcd', endpoints: ['https://e:2379', 'https://f:2379'], prefix: 'one' },
    ],
    ['etcd:http://e:2379/a/b/', { kind: 'etcd', endpoints: ['http://e:2379'], prefix: 'a/b' }],
    [
      'etcd:http://100%:p%40ss@e:2379,http://f:2379',
      {
        kind: 'etcd',
        endpoints: ['http://e:2379', 'http://f:2379'],
        prefix: 'kvs',
        user: { name: '100%', password: 'p@ss' },
      },
    ],
  ])('keeps its topology in %s', (place, topology) => {
    const { cluster, nodes } = readConfig(['--topology', place], {});
    expect(cluster).toMatchObject({ topology, copies: 2, minInSync: 1, replaceAfterMs: 60_000 });
    expect(nodes).toEqual([]);
  });

  it.each([
    ['0', undefined],
    ['1000000', 1e6],
    ['50000000', 50e6],
  ])('lets nodes make copies at a transfer rate of %s', (text, bytesPerSecond) => {
    const { cluster } = readConfig(['--topology', 'memory', '--transfer-rate', text], {});
    expect(cluster?.transferBytesPerSecond).toBe(bytesPerSecond);
  });

  it('may need all copies for a write, and listen anywhere if it says where it is reached', () => {
    const argv = ['--topology', 'memory', '--copies', '3', '--min-in-sync', '3', '--host', '::'];
    const { cluster } = readConfig([...argv, '--advertise', 'http://proxy:8080'], {});
    expect(cluster).toMatchObject({ copies: 3, minInSync: 3, advertise: 'http://proxy:8080' });
  });

  it('invites the nodes that are given', () => {
    expect(readConfig(['a:1', '--topology', 'memory'], {}).nodes).toEqual(['a:1']);
    expect(readConfig(['--topology', 'memory'], { KVS_NODES: 'b:1' }).nodes).toEqual(['b:1']);
  });
});

describe('bad arguments', () => {
  it.each([
    [['--topology', 'zookeeper'], "option '--topology <place>' argument 'zookeeper' is invalid."],
    [['--topology', 'etcd:e:2379'], "option '--topology <place>' argument 'etcd:e:2379' is invalid."],
    [['--topology', 'etcd:,'], "option '--topology <place>' argument 'etcd:,' is invalid."],
    [['--topology', 'file:'], "option '--topology <place>' argument 'file:' is invalid."],
    [['--topology', 'etcd:http://e:1,http://u:p@f:1'], 'Only the first URL of etcd may name a user.'],
    [['--topology', 'memory', '--workers', '2'], '--topology needs --workers 1'],
    [['--topology', 'memory', '--min-in-sync', '3'], '--min-in-sync is more than --copies'],
    [['--topology', 'memory', '--host', '0.0.0.0'], '--topology needs --advertise'],
    [['--topology', 'memory', '--advertise', 'proxy:80'], "option '--advertise <url>'"],
    [['--transfer-rate', '999999'], "option '--transfer-rate <number>' argument '999999' is invalid."],
    [['--copies', '3'], '--copies needs --topology'],
    [['--transfer-rate', '5000000'], '--transfer-rate needs --topology'],
    [['--advertise', 'http://proxy:80'], '--advertise needs --topology'],
    [['--copies', '9'], "option '--copies <number>' argument '9' is invalid."],
    [
      ['localhost'],
      'A node is given as host:port, such as localhost:3000 or [::1]:3000, not as "localhost".',
    ],
    [['localhost:0'], 'A node is given as host:port'],
    [['localhost:99999'], 'A node is given as host:port'],
    [['http://localhost:3000'], 'A node is given as host:port'],
    [['a:1', 'b:1', 'A:01'], 'node a:1 is given twice'],
    [[','], 'no storage node is given'],
    [['--port', '99999'], "option '--port <port>' argument '99999' is invalid."],
    [['--node-timeout-ms', '0'], "option '--node-timeout-ms <number>' argument '0' is invalid."],
    [['--node-timeout-ms', '2147483648'], "option '--node-timeout-ms <number>'"],
    [['--workers', '0'], "option '--workers <number>' argument '0' is invalid."],
    [['--workers', '9999'], "option '--workers <number>' argument '9999' is invalid."],
    [['--workers', 'all'], "option '--workers <number>' argument 'all' is invalid."],
    [['--nodes', 'a:1'], "unknown option '--nodes'"],
    [['localhost:'], 'A node is given as host:port'],
    [[':3000'], 'A node is given as host:port'],
    [['[zz]:3000'], 'A node is given as host:port'],
    [['[::1]:3000', '[0:0:0:0:0:0:0:1]:3000'], 'node [::1]:3000 is given twice'],
    [['127.0.0.1:3000', '127.1:3000'], 'node 127.0.0.1:3000 is given twice'],
  ])('%j are refused with exit code 2', (argv, message) => {
    expect(refusalOf(argv, {})).toEqual([2, expect.stringContaining(message)]);
  });

  it('may also come from KVS_NODES', () => {
    const environment = { KVS_NODES: 'a:1,a:1' };
    expect(refusalOf([], environment)).toEqual([2, 'node a:1 is given twice (see --help)']);
  });
});

/** The exit code and the message with which arguments are refused. */
function refusalOf(argv: readonly string[], environment: NodeJS.ProcessEnv): unknown {
  try {
    return readConfig(argv, environment);
  } catch (error) {
    if (error instanceof StartError) return [error.exitCode, error.message];
    throw error;
  }
}
