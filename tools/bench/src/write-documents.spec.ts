import { mkdtempSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { workspaceRoot } from '@kvs-tools/local-cluster';
import { atLeast, type Report } from './harness/report.js';
import { suites } from './suites.js';
import { writeDocuments } from './write-documents.js';

const report = (suite: string, value: number): Report => ({
  suite,
  machine: 'any machine',
  tables: [],
  goals: [atLeast(`${suite} is fast`, 'count', value, 10)],
});
const suiteOf = (name: string) => ({ name, description: '', run: () => Promise.reject(new Error('unused')) });

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'kvs-bench-documents-'));
  mkdirSync(join(root, 'docs'));
});
afterEach(() => rmSync(root, { recursive: true }));

const pages = (): string[] =>
  readdirSync(join(root, 'docs/benchmarks')).map((name) =>
    readFileSync(join(root, 'docs/benchmarks', name), 'utf8'),
  );

it('adds a suite to the page of the day, and replaces the same suite', () => {
  writeDocuments(suiteOf('one'), report('one', 1), root);
  writeDocuments(suiteOf('two'), report('two', 2), root);
  writeDocuments(suiteOf('one'), report('one', 11), root);
  const [page = '', ...others] = pages();
  expect(others).toEqual([]);
  expect(page.match(/^# .*$/gm)).toEqual(['# two', '# one']);
  expect(page).toMatch(/one is fast \| 11 +\| met/);
  expect(page).toMatch(/two is fast \| 2 +\| \*\*not met\*\*/);
});

it('replaces the goals between their comments, and draws the chart', () => {
  const page = join(root, 'docs/speed.md');
  writeFileSync(page, '# Speed\n\n<!-- goals of one -->\nold\n<!-- end of goals -->\n\nMore.\n');
  const documents = { goals: 'docs/speed.md', chart: 'docs/speed.svg' };
  writeDocuments({ ...suiteOf('one'), documents }, { ...report('one', 11), chart: '<svg/>' }, root);
  expect(readFileSync(page, 'utf8')).toMatch(
    /^# Speed\n\n<!-- goals of one -->\n\n\| goal .*\| met \|\n\nFrom \[the run of .*\n\n<!-- end of goals -->\n\nMore\.\n$/s,
  );
  expect(readFileSync(join(root, 'docs/speed.svg'), 'utf8')).toBe('<svg/>');
});

it('refuses a page without the comments', () => {
  writeFileSync(join(root, 'docs/speed.md'), '# Speed\n');
  const documents = { goals: 'docs/speed.md', chart: 'docs/speed.svg' };
  expect(() => writeDocuments({ ...suiteOf('one'), documents }, report('one', 11), root)).toThrow(
    'no comments',
  );
});

it('has pages with these comments for the suites that update one', () => {
  const parts = suites.flatMap(({ name, documents }) =>
    (['goals', 'tables'] as const).map((part) => ({
      comment: `${part} of ${name}`,
      page: documents?.[part],
    })),
  );
  const updated = parts.flatMap(({ comment, page }) => (page === undefined ? [] : [{ comment, page }]));
  expect(updated.map(({ comment }) => comment)).toEqual([
    'goals of engines',
    'goals of servers',
    'goals of cluster',
    'goals of redis',
    'tables of scale',
  ]);
  for (const { comment, page } of updated)
    expect(readFileSync(join(workspaceRoot, page), 'utf8')).toMatch(
      new RegExp(`<!-- ${comment} -->\\n.*<!-- end of ${comment.split(' ')[0]} -->`, 's'),
    );
});
