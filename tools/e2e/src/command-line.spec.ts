import { tmpdir } from 'node:os';
import { proxyScript, run, startNode, storageNodeScript } from '@kvs-tools/local-cluster';

const storageNode = (...args: string[]) => run(process.execPath, [storageNodeScript, ...args]);
const proxy = (...args: string[]) => run(process.execPath, [proxyScript, ...args]);

it.each([
  ['kvs-storage-node', storageNode, ['localhost', '99999']],
  ['kvs-proxy', proxy, ['localhost:3000', 'LOCALHOST:3000']],
])('bad arguments of %s are one line on stderr and exit code 2', async (name, start, args) => {
  const { code, stdout, stderr } = await start(...args);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(new RegExp(`^${name}: .*\\(see --help\\)\\n$`));
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

it('a start that fails says why once, in one line on stderr', async () => {
  const node = await storageNode('localhost', '0', '--engine', 'lmdb', '--data-dir', storageNodeScript);
  expect([node.code, node.stderr]).toEqual([
    1,
    expect.stringMatching(`^kvs-storage-node: ${storageNodeScript} cannot be used: .*\n$`),
  ]);
  expect(node.stdout).not.toContain(storageNodeScript);
  const started = await proxy('--port', '0', '--redis-port', '0', '--topology', `file:${tmpdir()}`);
  expect([started.code, started.stderr]).toEqual([
    2,
    `kvs-proxy: --topology file:${tmpdir()} is a directory, not a file (see --help)\n`,
  ]);
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
