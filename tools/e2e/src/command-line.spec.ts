import { proxyScript, run, storageNodeScript } from '@kvs-tools/local-cluster';
import { startNode } from './support/cluster.js';

const storageNode = (...args: string[]) => run(process.execPath, [storageNodeScript, ...args]);
const proxy = (...args: string[]) => run(process.execPath, [proxyScript, ...args]);

describe('bad arguments are one line on stderr and exit code 2', () => {
  it.each([
    [[], /host/],
    [['localhost'], /port/],
    [['localhost', '99999'], /99999/],
    [['localhost', '-1'], /-1/],
    [['localhost', 'http'], /http/],
    [['localhost', '3000', 'more'], /too many arguments/],
    [['localhost', '3000', '--verbose'], /--verbose/],
    [['localhost', '3000', '--max-key-bytes', 'many'], /max-key-bytes/],
    [['localhost', '3000', '--max-key-bytes', '0'], /max-key-bytes/],
    [['localhost', '3000', '--log-level', 'loud'], /log-level/],
    [['localhost 3000'], /port/],
  ])('kvs-storage-node %j', async (args, message) => {
    const { code, stdout, stderr } = await storageNode(...args);
    expect({ code, stdout, lines: stderr.trimEnd().split('\n').length }).toEqual({
      code: 2,
      stdout: '',
      lines: 1,
    });
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^kvs-storage-node: /);
  });

  it.each([
    [['localhost'], /host:port/],
    [['localhost:'], /host:port/],
    [[':3000'], /host:port/],
    [['localhost:99999'], /host:port/],
    [['localhost:0'], /host:port/],
    [['http://localhost:3000'], /host:port/],
    [['localhost:3000', 'LOCALHOST:3000'], /twice/],
    [['localhost:3000', '--port', '99999'], /99999/],
    [['--nodes', 'localhost:3000'], /--nodes/],
  ])('kvs-proxy %j', async (args, message) => {
    const { code, stdout, stderr } = await proxy(...args);
    expect({ code, stdout, lines: stderr.trimEnd().split('\n').length }).toEqual({
      code: 2,
      stdout: '',
      lines: 1,
    });
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^kvs-proxy: /);
  });

  it('also from the environment', async () => {
    const { code, stderr } = await run(process.execPath, [proxyScript], {
      environment: { KVS_NODES: 'localhost:3000,localhost:3000' },
    });
    expect([code, stderr]).toEqual([2, expect.stringContaining('twice')]);
  });
});

it.each([
  ['kvs-storage-node', storageNode],
  ['kvs-proxy', proxy],
])('%s tells its options and its version', async (name, start) => {
  const help = await start('--help');
  expect([help.code, help.stderr]).toEqual([0, '']);
  expect(help.stdout).toContain(`Usage: ${name}`);
  const version = await start('--version');
  expect([version.code, version.stdout]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)]);
});

it('a port in use is one line on stderr and exit code 1', async () => {
  const node = await startNode();
  try {
    const { port } = new URL(node.origin);
    const { code, stderr } = await storageNode('localhost', port);
    expect([code, stderr]).toEqual([
      1,
      `kvs-storage-node: cannot listen on ${node.origin}: the port is in use\n`,
    ]);
  } finally {
    await node.kill();
  }
});
