import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, ServerProcess, workspaceRoot } from '@kvs-tools/local-cluster';
import { ownDependencies, publishedPackages, type PublishedPackage } from './workspace.js';

const packages = publishedPackages();
const libs = packages.filter(({ manifest }) => manifest.bin === undefined);
const apps = packages.filter(({ manifest }) => manifest.bin !== undefined);
const byName = (name: string): PublishedPackage => {
  const found = packages.find(({ manifest }) => manifest.name === name);
  if (!found) throw new RangeError(`there is no package ${name}`);
  return found;
};

let scratch: string;
/** By the name of the package. */
const packed = new Map<string, { readonly tarball: string; readonly paths: readonly string[] }>();

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'kvs-packages-'));
  for (const { directory, manifest } of packages) {
    const { code, stdout, stderr } = await run('npm', ['pack', '--json', '--pack-destination', scratch], {
      cwd: directory,
    });
    if (code !== 0) throw new Error(stderr);
    const [result] = JSON.parse(stdout) as { filename: string; files: { path: string }[] }[];
    if (!result) throw new Error(`npm pack of ${manifest.name} returned no tarball`);
    const paths = result.files.map(({ path }) => path);
    packed.set(manifest.name, { tarball: join(scratch, result.filename), paths });
  }
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

/** The allowed files of a tarball: the build without tests, and the files that npm always adds. */
const PUBLISHED =
  /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|dist\/(?!.*\.(spec|tsbuildinfo)).*\.(c?js|d\.c?ts|c?js\.map))$/;

it.each(packages.map(({ manifest }) => manifest.name))('%s publishes no other files', (name) => {
  const hasTesting = byName(name).manifest.exports?.['./testing'] !== undefined;
  const isAllowed = (path: string) =>
    PUBLISHED.test(path) && (hasTesting || !path.startsWith('dist/testing/'));
  const { paths = [] } = packed.get(name) ?? {};
  expect(paths).toContain('package.json');
  expect(paths.filter((path) => !isAllowed(path))).toEqual([]);
});

/** Creates an empty project and installs the tarballs of a package and of our packages that it depends on. */
async function installed({ manifest }: PublishedPackage, more: readonly string[] = []): Promise<string> {
  const project = await mkdtemp(join(scratch, 'project-'));
  await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'consumer', private: true }));
  const wanted = [manifest.name, ...ownDependencies(manifest.name, packages)].map(
    (name) => packed.get(name)?.tarball ?? name,
  );
  const args = [
    'install',
    '--prefer-offline',
    '--no-audit',
    '--no-fund',
    '--ignore-scripts',
    ...wanted,
    ...more,
  ];
  const { code, stderr } = await run('npm', args, { cwd: project });
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  return project;
}

describe.each(libs.map((each) => each.manifest.name))('%s from its tarball', (name) => {
  const lib = byName(name);
  const entries = Object.keys(lib.manifest.exports ?? {})
    .filter((entry) => entry !== './package.json')
    .map((entry) => name + entry.slice(1));
  let project: string;
  beforeAll(async () => {
    // This test uses every entry, so it needs the optional peers too.
    const optional = Object.entries(lib.manifest.peerDependenciesMeta ?? {}).filter(
      ([, meta]) => meta.optional,
    );
    project = await installed(
      lib,
      optional.map(([peer]) => `${peer}@${lib.manifest.peerDependencies?.[peer]}`),
    );
  });

  it('has a licence and a README', async () => {
    const directory = join(project, 'node_modules', name);
    expect(existsSync(join(directory, 'README.md'))).toBe(true);
    expect(existsSync(join(directory, 'LICENSE'))).toBe(true);
  });

  it.each(entries)('%s can be imported and required', async (entry) => {
    await writeFile(
      join(project, 'esm.mjs'),
      `import * as it from '${entry}';\nconsole.log(Object.keys(it).length);\n`,
    );
    await writeFile(
      join(project, 'cjs.cjs'),
      `const it = require('${entry}');\nconsole.log(Object.keys(it).length);\n`,
    );
    for (const file of ['esm.mjs', 'cjs.cjs']) {
      const { code, stdout, stderr } = await run(process.execPath, [file], { cwd: project });
      expect({ file, code, stderr: code === 0 ? '' : stderr }).toEqual({ file, code: 0, stderr: '' });
      expect(Number(stdout)).toBeGreaterThan(0);
    }
  });

  it('has types for both', async () => {
    const source = entries
      .map(
        (entry, i) =>
          `import * as it${i} from '${entry}';\nexport const names${i}: string[] = Object.keys(it${i});\n`,
      )
      .join('');
    // If a type can't be found, it is any, and the expected error is missing.
    const wrong = entries
      .map((_, i) => `// @ts-expect-error there is no such export\nit${i}.noSuchExport;\n`)
      .join('');
    for (const file of ['types.mts', 'types.cts']) await writeFile(join(project, file), source + wrong);
    const options = ['--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext', '--skipLibCheck'];
    const roots = ['--types', 'node', '--typeRoots', join(workspaceRoot, 'node_modules/@types')];
    const decorators = ['--experimentalDecorators'];
    const tsc = join(workspaceRoot, 'node_modules/typescript/bin/tsc');
    const args = [tsc, ...options, ...roots, ...decorators, 'types.mts', 'types.cts'];
    const { code, stdout } = await run(process.execPath, args, { cwd: project });
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
  });
});

it('@kvs/protocol installs without dependencies', async () => {
  const project = join(scratch, 'plain-protocol');
  await mkdir(project);
  await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'consumer', private: true }));
  const { tarball = '' } = packed.get('@kvs/protocol') ?? {};
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball], { cwd: project });
  const lock = JSON.parse(await readFile(join(project, 'package-lock.json'), 'utf8')) as { packages: object };
  expect(Object.keys(lock.packages).filter(Boolean)).toEqual(['node_modules/@kvs/protocol']);
  await writeFile(
    join(project, 'use.mjs'),
    `import { stringKey } from '@kvs/protocol';\nconsole.log(stringKey('a').data);\n`,
  );
  expect((await run(process.execPath, ['use.mjs'], { cwd: project })).stdout).toBe('a\n');
});

describe('@kvs/testing', () => {
  const example = /```js\n([^]*?)```/.exec(
    readFileSync(join(byName('@kvs/testing').directory, 'README.md'), 'utf8'),
  );
  const forJest = example?.[1] ?? 'there is no example';
  const forMocha = forJest
    .replace('beforeAll', 'before')
    .replace('afterAll', 'after')
    .replace('test(', 'it(');
  const forVitest = forJest.replaceAll(/^const (.+) = require\((.+)\);$/gm, 'import $1 from $2;');
  let project: string;
  beforeAll(async () => {
    const runners = ['ioredis@6.0.0', 'jest@30.5.2', 'mocha@12.0.3', 'vitest@4.1.12'];
    project = await installed(byName('@kvs/testing'), runners);
  });

  it.each([
    ['Jest', 'kvs.test.js', forJest, ['node_modules/jest/bin/jest.js', '--testTimeout=30000']],
    ['Mocha', 'kvs.cjs', forMocha, ['node_modules/mocha/bin/mocha.js', '--timeout=30000', 'kvs.cjs']],
    [
      'node --test',
      'kvs.cjs',
      "const { after, before, beforeEach, it } = require('node:test');\n" + forMocha,
      ['--test', 'kvs.cjs'],
    ],
    [
      'Vitest',
      'kvs.test.js',
      "import { afterAll, beforeAll, beforeEach, test } from 'vitest';\n" + forVitest,
      ['node_modules/vitest/vitest.mjs', 'run', '--reporter=verbose', '--hookTimeout=30000'],
    ],
  ])('%s runs the example of the README, and ends', async (_, file, text, args) => {
    await writeFile(join(project, file), text);
    const { code, stdout, stderr } = await run(process.execPath, args, { cwd: project });
    const output = stdout + stderr;
    expect({ code, output }).toEqual({ code: 0, output: expect.stringMatching(/a value is stored/) });
    expect(output).not.toMatch(/did not exit|open handle|warning/i);
  });
});

it('the apps run from their tarballs', async () => {
  const started: ServerProcess[] = [];
  const start = async (name: string, bin: string, args: string[]): Promise<string> => {
    const app = byName(name);
    const project = await installed(app);
    const version = await run(join(project, 'node_modules/.bin', bin), ['--version'], { cwd: project });
    expect(version.stdout.trim()).toBe(app.manifest.version);
    const script = join(project, 'node_modules', name, app.manifest.bin?.[bin] ?? '');
    const server = new ServerProcess({ name: bin, script, args });
    started.push(server);
    return server.ready;
  };
  try {
    const node = await start('@kvs/storage-node', 'kvs-storage-node', ['localhost', '0']);
    const proxy = await start('@kvs/proxy', 'kvs-proxy', [new URL(node).host, '--port', '0']);
    const key = { encoding: 'string', data: 'hello' };
    const set = await fetch(`${proxy}/set`, { method: 'PUT', body: JSON.stringify([{ key, value: key }]) });
    expect(await set.json()).toEqual({ keys_added: 1, keys_failed: [] });
    const docs = await fetch(`${proxy}/docs`);
    expect(docs.status).toBe(200);
  } finally {
    await Promise.all(started.map((server) => server.stop()));
  }
});

it('these tests find every app and lib', () => {
  expect(libs.map(({ manifest }) => manifest.name)).toEqual(
    expect.arrayContaining(['@kvs/hash-ring', '@kvs/kv-store', '@kvs/protocol']),
  );
  expect(apps.map(({ manifest }) => manifest.name).sort()).toEqual(['@kvs/proxy', '@kvs/storage-node']);
});
