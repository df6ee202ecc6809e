import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { run, workspaceRoot } from '@kvs-tools/local-cluster';

// The rule reads the project graph, which Nx writes when it runs a command.
beforeAll(() =>
  run(process.execPath, [join(workspaceRoot, 'tools/setup/nx.mjs'), 'show', 'projects'], {
    environment: { NX_DAEMON: 'false' },
  }),
);

/** Returns the messages of ESLint for a file with this path and text. */
async function lint(file: string, text: string): Promise<string> {
  const eslint = spawn(
    process.execPath,
    [
      join(workspaceRoot, 'node_modules/eslint/bin/eslint.js'),
      '--stdin',
      '--stdin-filename',
      file,
      '--format',
      'json',
    ],
    { cwd: workspaceRoot, env: { ...process.env, NX_DAEMON: 'false' }, stdio: ['pipe', 'pipe', 'inherit'] },
  );
  let output = '';
  eslint.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  eslint.stdin.end(text);
  await once(eslint, 'close');
  const [{ messages }] = JSON.parse(output) as [{ messages: { ruleId: string | null; message: string }[] }];
  return messages.map(({ ruleId, message }) => `${ruleId}: ${message}`).join('\n');
}

const BOUNDARIES = '@nx/enforce-module-boundaries';

describe('an import across a boundary is refused', () => {
  it.each([
    ['libs/hash-ring/src/index.ts', '@kvs/protocol', BOUNDARIES],
    ['libs/protocol/src/index.ts', '@kvs/hash-ring', BOUNDARIES],
    ['libs/kv-store/src/index.ts', '@kvs/hash-ring', BOUNDARIES],
    ['libs/kv-store/src/index.ts', '@kvs/http-api', BOUNDARIES],
    ['libs/kv-store/src/index.ts', '@kvs/router', BOUNDARIES],
    ['libs/kv-store/src/index.ts', '@kvs/kv-store-lmdb', BOUNDARIES],
    ['libs/kv-store-lmdb/src/index.ts', '@kvs/http-api', BOUNDARIES],
    ['libs/kv-store-redis/src/index.ts', '@kvs/kv-store-lmdb', BOUNDARIES],
    ['libs/topology/src/index.ts', '@kvs/router', BOUNDARIES],
    ['libs/replication/src/index.ts', '@kvs/http-api', BOUNDARIES],
    ['libs/topology-etcd/src/index.ts', '@kvs/router', BOUNDARIES],
    ['libs/router/src/index.ts', '@kvs/kv-store', BOUNDARIES],
    ['libs/router/src/index.ts', '@kvs/node-link', BOUNDARIES],
    ['libs/node-link/src/index.ts', '@kvs/http-api', BOUNDARIES],
    ['libs/node-link/src/index.ts', '@kvs/kv-store', BOUNDARIES],
    ['libs/server/src/index.ts', '@kvs/http-api', BOUNDARIES],
    ['libs/server/src/index.ts', '@kvs/kv-store', BOUNDARIES],
    ['libs/server/src/index.ts', '@kvs/storage-node', BOUNDARIES],
    ['libs/testing/src/thread.ts', '@kvs/server', BOUNDARIES],
    ['libs/http-api/src/index.ts', '@kvs/kv-store', BOUNDARIES],
    ['libs/redis-api/src/index.ts', '@kvs/http-api', BOUNDARIES],
    ['libs/redis-api/src/index.ts', '@kvs/topology', BOUNDARIES],
    ['libs/http-api/src/index.ts', '../../../apps/proxy/src/config.js', BOUNDARIES],
    ['apps/proxy/src/main.ts', '../../storage-node/src/config.js', BOUNDARIES],
    ['apps/proxy/src/main.ts', '@kvs-tools/local-cluster', BOUNDARIES],
    ['libs/hash-ring/src/index.ts', 'node:crypto', 'no-restricted-imports'],
    ['libs/hash-ring/src/index.ts', 'rxjs', 'no-restricted-imports'],
    ['libs/protocol/src/index.ts', '@nestjs/common', 'no-restricted-imports'],
    ['libs/protocol/src/index.ts', './nest/dto.js', 'no-restricted-imports'],
  ])('in %s from %s', async (file, imported, rule) => {
    expect(await lint(file, `import * as it from '${imported}';\nconsole.log(it);\n`)).toContain(rule);
  });
});

it.each([
  ['apps/proxy/src/main.ts', '@kvs/router'],
  ['libs/kv-store/src/index.ts', '@kvs/protocol'],
  ['libs/http-api/src/index.ts', '@kvs/server'],
  ['libs/protocol/src/nest/dto.ts', '@nestjs/common'],
])('an import within the boundaries is allowed: in %s from %s', async (file, imported) => {
  expect(await lint(file, `import * as it from '${imported}';\nconsole.log(it);\n`)).toBe('');
});
