import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { workspaceRoot } from '@kvs-tools/local-cluster';
import { goalTable, tableOnly, toMarkdown } from './harness/markdown.js';
import type { Report } from './harness/report.js';
import type { Suite } from './harness/suite.js';

/**
 * Writes the tables of a run to `docs/benchmarks/<date>-<cpu>.md`. A second suite of the same day is added to the page;
 * the same suite replaces its part. Then it updates the goals, the tables and the chart
 * of the suite on other pages, if it has them.
 */
export function writeDocuments(
  { name: suite, documents }: Suite,
  report: Report,
  root = workspaceRoot,
): void {
  const directory = join(root, 'docs/benchmarks');
  mkdirSync(directory, { recursive: true });
  const date = new Date().toISOString().slice(0, 10);
  const name = `${date}-${cpuName()}.md`;
  const page = join(directory, name);
  const parts = existsSync(page) ? readFileSync(page, 'utf8').split(/^(?=# )/m) : [];
  const others = parts.filter((part) => !part.startsWith(`# ${report.suite}\n`));
  writeFileSync(page, [...others, toMarkdown(report)].map((part) => part.trim()).join('\n\n') + '\n');
  if (documents?.chart !== undefined && report.chart !== undefined)
    writeFileSync(join(root, documents.chart), report.chart);
  const source = `From [the run of ${date}](benchmarks/${name}) on ${report.machine}.`;
  if (documents?.goals !== undefined)
    replacePart(join(root, documents.goals), 'goals', suite, `${goalTable(report.goals)}\n\n${source}`);
  if (documents?.tables !== undefined)
    replacePart(join(root, documents.tables), 'tables', suite, report.tables.map(tableOnly).join('\n\n'));
}

/** Replaces what is between the comments of a suite on a page. */
function replacePart(page: string, part: 'goals' | 'tables', suite: string, content: string): void {
  const text = readFileSync(page, 'utf8');
  const old = new RegExp(`(?<=<!-- ${part} of ${suite} -->\\n).*?(?=<!-- end of ${part} -->)`, 's');
  if (!old.test(text)) throw new Error(`${page} has no comments around the ${part} of ${suite}`);
  writeFileSync(
    page,
    text.replace(old, () => `\n${content}\n\n`),
  );
}

/** Returns the model of the processor as a part of a file name, such as `amd-epyc`. */
function cpuName(): string {
  const model = cpus()[0]?.model ?? 'unknown';
  const words = model.toLowerCase().replaceAll(/\((r|tm)\)|@.*$|\b(processor|cpu)\b/g, ' ');
  return words.replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-|-$/g, '');
}
