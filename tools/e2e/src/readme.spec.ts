import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { run } from '@kvs-tools/local-cluster';
import { binaryKey, ERROR_CODES, partitionOf, slotOf, stringKey, type WirePair } from '@kvs/protocol';
import { startCluster, type Cluster } from './support/cluster.js';
import { send } from './support/http.js';
import { codeBlocks, missingPrograms, ShellSession, stepsOf, type Step } from './support/shell-examples.js';
import { typeErrors } from './support/typed-examples.js';

// These tests compare the documentation with the system.
const root = join(import.meta.dirname, '../../..');
const packageFolders = ['apps', 'libs', 'tools'].flatMap((group) =>
  readdirSync(join(root, group)).map((name) => join(group, name)),
);
const documents = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) => join('docs', name)),
  ...packageFolders.map((folder) => join(folder, 'README.md')),
].filter((document) => document.endsWith('.md') && existsSync(join(root, document)));
const read = (document: string): string => readFileSync(join(root, document), 'utf8');

const documentsWithCommands = documents.filter((document) => stepsOf(read(document)).length > 0);
const missing = await missingPrograms(['bash', 'curl']);
const required = process.env['KVS_REQUIRE_TOOLS'] === '1';

if (missing.length > 0 && !required) {
  // A machine with nothing but Node may lack bash or curl. CI requires them.
  it.skip(`commands are not tested because ${missing.join(' and ')} can't be run here`, () => undefined);
} else {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster(3);
  });
  afterAll(() => cluster.stop());

  describe.each(documentsWithCommands)('the commands of %s print what it says', (document) => {
    let session: ShellSession;
    beforeAll(async () => {
      await empty(cluster);
      session = new ShellSession(addressesOf(cluster));
    });

    it.each(stepsOf(read(document)).map((step) => [step.line, titleOf(step), step] as const))(
      'line %i: %s',
      async (_line, _title, step) => {
        if (step.kind === 'run') {
          const { actual, expected } = await session.compare(step.command, step.output);
          expect(actual).toBe(expected);
        } else {
          const node = cluster.nodes[NODES.indexOf(step.address)];
          if (node === undefined) throw new TypeError(`${step.address} is no node of the examples`);
          await (step.kind === 'stop' ? node.kill() : node.restart());
        }
      },
    );
  });
}

async function empty({ proxy }: Cluster): Promise<void> {
  const { json } = await send('GET', `${proxy}/fetch`);
  await send('POST', `${proxy}/delete`, { body: (json as WirePair[]).map(({ key }) => key) });
}

/** The addresses in the documents, which are those of `npm start`. */
const PROXY = 'localhost:8080';
const NODES = ['localhost:3000', 'localhost:3001', 'localhost:3002'];

function addressesOf({ proxy, nodes }: Cluster): Map<string, string> {
  return new Map([
    [PROXY, new URL(proxy).host],
    ...NODES.map((node, i) => [node, nodes[i]?.address ?? ''] as const),
  ]);
}

function titleOf(step: Step): string {
  return step.kind === 'run' ? step.command.split('\n', 1).join() : `${step.kind} ${step.address}`;
}

it('the tables of options are what npm run docs writes', async () => {
  const script = join(root, 'tools/setup/write-options.mjs');
  const { code, stderr } = await run(process.execPath, [script, '--check']);
  expect([code, stderr]).toEqual([0, '']);
});

it('docs/configuration.md lists the options of npm start', async () => {
  const script = join(root, 'tools/local-cluster/dist/main.js');
  const { stdout } = await run(process.execPath, [script, '--help']);
  const inHelp = Array.from(
    stdout.matchAll(/^ +(--[\w-]+ <\w+>) .*\(default:\s+(\w+)\)/gm),
    ([, ...cells]) => cells,
  );
  const table = tableRows(read('docs/configuration.md'), 'Option of npm start');
  expect(table.map((cells) => cells.slice(0, 2))).toEqual(inHelp);
});

/** Returns the cells of the table with this first heading, without backquotes. */
function tableRows(markdown: string, heading: string): string[][] {
  const lines = markdown.split('\n');
  const start = lines.findIndex((line) => new RegExp(`^\\| ${heading} +\\|`).test(line));
  const length = lines.slice(start).findIndex((line) => !line.startsWith('|'));
  if (start === -1) throw new TypeError(`there is no table ${heading}`);
  return lines.slice(start + 2, start + length).map(cellsOf);
}

function cellsOf(row: string): string[] {
  return row
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim().replaceAll('`', ''));
}

it('docs/protocol.md lists every error code with its status', () => {
  const listed = tableRows(read('docs/protocol.md'), 'Code').map(([code, status]) => [code, Number(status)]);
  const known = Object.entries(ERROR_CODES).map(([code, { status }]) => [code, status]);
  expect(listed).toEqual(known);
});

it('docs/protocol.md computes partitions as the proxy does', () => {
  const rows = tableRows(read('docs/protocol.md'), 'Key');
  expect(rows.length).toBeGreaterThan(0);
  expect(rows).toEqual(
    rows.map(([name = '']) => {
      const [encoding, data = ''] = name.split(' ');
      const key = encoding === 'binary' ? binaryKey(Buffer.from(data, 'hex')) : stringKey(data);
      const tag = /^[^{]*\{([^}]+)\}/.exec(data)?.[1];
      const hashed = encoding === 'binary' ? data : Buffer.from(tag ?? data).toString('hex');
      return [name, hashed, String(slotOf(key)), String(partitionOf(key))];
    }),
  );
});

it('every TypeScript example in a README compiles', () => {
  const examples = documents
    .filter((document) => document.endsWith('README.md'))
    .flatMap((document) =>
      codeBlocks(read(document))
        .filter(({ language }) => language === 'ts')
        .map((block) => ({ document: join(root, document), block })),
    );
  expect(examples.length).toBeGreaterThan(0);
  expect(typeErrors(root, examples)).toEqual([]);
});

it('every table has a heading, a rule, and rows with the same number of cells', () => {
  const broken = documents.flatMap((document) =>
    tablesIn(read(document)).flatMap(([heading = '', rule = '', ...rows]) => {
      const bad = rows.filter((row) => !row.endsWith('|') || cellCount(row) !== cellCount(heading));
      return /^[|: -]+$/.test(rule) ? bad : [heading, ...bad];
    }),
  );
  expect(broken).toEqual([]);
});

/** Returns the lines of each table. The formatter separates a broken row, which then looks like a table without a rule. */
function tablesIn(markdown: string): string[][] {
  const text = markdown.replaceAll(/^```.*?^```$/gms, '');
  return Array.from(text.matchAll(/(?:^\|.*\n)+/gm), ([table]) => table.trimEnd().split('\n'));
}

function cellCount(row: string): number {
  return row.split('|').length - 2;
}

it('every link within the repository leads somewhere', () => {
  const dead = documents.flatMap((document) =>
    Array.from(read(document).matchAll(/\]\((?!https?:)([^)#\s]*)(#[^)\s]*)?\)/g), ([, path, anchor]) => {
      const target = path ? join(root, dirname(document), path) : join(root, document);
      if (!existsSync(target)) return `${document}: ${path}`;
      const isMissing = anchor !== undefined && !anchorsIn(readFileSync(target, 'utf8')).includes(anchor);
      return isMissing ? `${document}: ${relative(root, target)}${anchor}` : [];
    }).flat(),
  );
  expect(dead).toEqual([]);
});

it('every source file that a page names exists', () => {
  const named = documents.flatMap((document) =>
    Array.from(
      read(document).matchAll(/`((?:apps|libs|tools)\/[\w./-]+\.(?:ts|mjs))`/g),
      ([, file = '']) => file,
    ),
  );
  expect(named.length).toBeGreaterThan(0);
  expect(named.filter((file) => !existsSync(join(root, file)))).toEqual([]);
});

/** Returns the headings as GitHub's anchors. */
function anchorsIn(markdown: string): string[] {
  return Array.from(markdown.matchAll(/^#+ (.*)$/gm), ([, heading = '']) => {
    const words = heading.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, '');
    return `#${words.replaceAll(' ', '-')}`;
  });
}

it('every npm script that is named exists', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const named = documents.flatMap((document) =>
    Array.from(read(document).matchAll(/\bnpm run ([\w:]+)/g), ([, script = '']) => script),
  );
  expect(named.filter((script) => !(script in scripts))).toEqual([]);
});

it('no page has the same heading twice, and README.md fits on a few screens', () => {
  const repeated = documents.flatMap((document) => {
    const headings = anchorsIn(read(document).replaceAll(/^```.*?^```$/gms, ''));
    return headings
      .filter((heading, i) => headings.indexOf(heading) < i)
      .map((heading) => document + heading);
  });
  expect(repeated).toEqual([]);
  expect(read('README.md').split('\n').length).toBeLessThanOrEqual(220);
});
