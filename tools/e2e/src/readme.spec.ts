import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { LocalCluster, run, type LocalServer } from '@kvs-tools/local-cluster';
import { binaryKey, ERROR_CODES, partitionOf, slotOf, stringKey, type WirePair } from '@kvs/protocol';
import { fieldsOf } from '@kvs/protocol/testing';
import { send } from './support/http.js';
import { codeBlocks, tableRows } from './support/markdown.js';
import { missingPrograms, ShellSession, stepsOf, type Step } from './support/shell-examples.js';
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
  let cluster: LocalCluster;
  let fixedList: LocalCluster;
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'kvs-examples-'));
    [cluster, fixedList] = await Promise.all([
      LocalCluster.start(3, { proxyArgs: TOPOLOGY }),
      LocalCluster.start(2),
    ]);
  });
  afterAll(() => Promise.all([cluster.stop(), fixedList.stop(), rm(directory, { recursive: true })]));

  describe.each(documentsWithCommands)('the commands of %s print what it says', (document) => {
    let session: ShellSession;
    let nodes: ReadonlyMap<string, LocalServer>;
    beforeAll(async () => {
      await Promise.all([empty(cluster), empty(fixedList)]);
      // The pages of the apps start servers without a cluster.
      const named = document.startsWith('apps/')
        ? [serversOf(AS_NPM_START, fixedList)]
        : [serversOf(AS_NPM_START, cluster), serversOf(FIXED_LIST, fixedList)];
      session = new ShellSession(new Map(named.flatMap(({ addresses }) => addresses)), directory);
      nodes = new Map(named.flatMap((servers) => servers.nodes));
    });

    it.each(stepsOf(read(document)).map((step) => [step.line, titleOf(step), step] as const))(
      'line %i: %s',
      async (_line, _title, step) => {
        if (step.kind === 'run') {
          const { actual, expected } = await session.compare(step.command, step.output);
          expect(actual).toBe(expected);
        } else {
          const node = nodes.get(step.address);
          if (node === undefined) throw new TypeError(`${step.address} is no node of the examples`);
          if (step.kind === 'start') return node.restart();
          // Until then, a pair may have only one copy.
          if (cluster.nodes.includes(node)) await cluster.state.untilComplete();
          await node.kill();
        }
      },
    );
  });

  it('docs/protocol.md names every field of GET /cluster', async () => {
    const { json } = await send('GET', `${cluster.origin}/cluster`);
    const fields = fieldsOf(json);
    const example = codeBlocks(read('docs/protocol.md')).find(({ text }) => text.includes('"topology":'));
    const documented = fieldsOf(JSON.parse(example?.text ?? ''));
    expect(fields).toContain('topology.nodes[].id');
    expect(fields.filter((field) => !documented.includes(field))).toEqual([]);
  });
}

async function empty({ origin }: LocalCluster): Promise<void> {
  const { json } = await send('GET', `${origin}/fetch`);
  await send('POST', `${origin}/delete`, { body: (json as WirePair[]).map(({ key }) => key) });
}

/** Those of `npm start`, except that requests wait longer for a partition, because this machine may be busy. */
const TOPOLOGY = ['--topology', 'memory', '--copies', '2', '--failover-wait-ms', '60000'];

/** The addresses in the documents. */
const AS_NPM_START = {
  proxy: 'localhost:8080',
  nodes: ['localhost:3000', 'localhost:3001', 'localhost:3002'],
};
const FIXED_LIST = { proxy: 'localhost:9090', nodes: ['localhost:4000', 'localhost:4001'] };

/** Returns the real address, and the node, by each address in the documents. */
function serversOf(named: typeof FIXED_LIST, { origin, nodes }: LocalCluster) {
  const byName = nodes.map((node, i) => [named.nodes[i] ?? '', node] as const);
  const addresses = byName.map(([name, { address }]) => [name, address] as const);
  return { addresses: [[named.proxy, new URL(origin).host] as const, ...addresses], nodes: byName };
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

it('docs/protocol.md lists every error code with its status', () => {
  const listed = tableRows(read('docs/protocol.md'), 'Code').map(([code, status]) => [code, Number(status)]);
  const known = Object.entries(ERROR_CODES).map(([code, { status }]) => [code, status]);
  expect(listed).toEqual(known);
});

it('docs/protocol.md lists the metrics of the alerts in docs/operations.md', () => {
  const metrics = (document: string) => Array.from(read(document).matchAll(/\bkvs_\w+/g), ([name]) => name);
  const listed = new Set(metrics('docs/protocol.md'));
  expect(metrics('docs/operations.md').filter((name) => !listed.has(name))).toEqual([]);
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
