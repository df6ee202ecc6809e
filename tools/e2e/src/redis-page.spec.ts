import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { workspaceRoot } from '@kvs-tools/local-cluster';
import { startInProcess } from './support/in-process-redis.js';
import { RespClient } from './support/resp-client.js';
import { tableRows } from './support/markdown.js';

// These tests compare docs/redis.md with the system.
const read = (file: string): string => readFileSync(join(workspaceRoot, file), 'utf8');
const page = read('docs/redis.md');

it('lists the commands and subcommands of a node of a cluster', async () => {
  const cluster = { hasAllPairs: false, serves: () => false, current: () => undefined };
  const server = await startInProcess({ later: false, cluster });
  const client = await RespClient.open(server.port, 2);
  try {
    const [known] = await client.ask([['COMMAND', 'LIST']]);
    // The options of a command are in parentheses.
    const commands = tableRows(page, 'Group').flatMap(([, cell = '']) =>
      cell.replaceAll(/\([^)]*\)/g, '').match(/\S+/g),
    );
    const subcommands = Array.from(page.matchAll(/^- `([A-Z]+)`: ([A-Z` -]+)$/gm), ([, name, list = '']) =>
      [...(list.match(/[A-Z-]+/g) ?? []), 'HELP'].map((subcommand) => `${name}|${subcommand}`),
    ).flat();
    const listed = [...commands, ...subcommands].map((name) => String(name).toLowerCase());
    expect(listed.sort()).toEqual(known?.items?.map(({ text }) => text).sort());
  } finally {
    client.close();
    await server.close();
  }
});

it('lists the versions of the clients that the tests use', () => {
  const { packages } = JSON.parse(read('package-lock.json')) as {
    packages: Record<
      string,
      { name?: string; version?: string; devDependencies?: object; dependencies?: object }
    >;
  };
  const folder = 'tools/e2e';
  const { dependencies, devDependencies } = packages[folder] ?? {};
  const installed = Object.keys({ ...dependencies, ...devDependencies }).map((alias) => {
    const { name = alias, version } =
      packages[`${folder}/node_modules/${alias}`] ?? packages[`node_modules/${alias}`] ?? {};
    return `${name} ${version?.split('.', 2).join('.')}`;
  });
  const rows = tableRows(page, 'Client or library').filter(([client]) => !client?.startsWith('redis-cli'));
  const listed = rows.flatMap(([client, version, uses = '']) => [
    `${client?.split(' ', 1).join()} ${version}`,
    ...(uses.match(/\S+ \d+\.\d+/g) ?? []),
  ]);
  expect(listed.length).toBeGreaterThan(rows.length);
  expect(listed.filter((each) => !installed.includes(each))).toEqual([]);
});
