import { statSync } from 'node:fs';
import { join } from 'node:path';
import { run, workspaceRoot } from '@kvs-tools/local-cluster';
import { publishedPackages } from './workspace.js';

const nx = (...args: string[]) =>
  run(process.execPath, [join(workspaceRoot, 'tools/setup/nx.mjs'), ...args], {
    environment: { NX_DAEMON: 'false' },
  });

async function projects(...args: string[]): Promise<string[]> {
  const { stdout } = await nx('show', 'projects', '--json', ...args);
  return (JSON.parse(stdout) as string[]).sort();
}

it.each(['build', 'test', 'lint', 'typecheck'])('every project has the target %s', async (target) => {
  expect(await projects('--with-target', target)).toEqual(await projects());
});

// Nx puts a build back from its cache by deleting and copying it, while servers that run load parts of it.
it('a build does not touch files that are up to date', async () => {
  const changed = (): bigint =>
    statSync(join(workspaceRoot, 'libs/hash-ring/dist/index.js'), { bigint: true }).ctimeNs;
  const build = async (): Promise<void> => {
    const { code, stderr } = await nx('build', 'hash-ring');
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  };
  await build();
  const before = changed();
  await build();
  expect(changed()).toBe(before);
});

it('nx release plans every package without a network', async () => {
  const { code, stdout, stderr } = await nx('release', '--first-release', '--dry-run', '--skip-publish');
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  for (const { directory } of publishedPackages()) {
    expect(stdout).toContain(`${directory.slice(workspaceRoot.length + 1)}/package.json`);
  }
});
