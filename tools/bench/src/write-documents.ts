import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { workspaceRoot } from '@kvs-tools/local-cluster';
import { goalTable, toMarkdown } from './harness/markdown.js';
import type { Report } from './harness/report.js';
import type { Suite } from './harness/suite.js';

/**
 * Writes the tables of a run to `docs/benchmarks/<date>-<cpu>.md`. A second suite of the same day is added to the page;
 * the same suite replaces its part. Then it updates the table of goals and the chart of the suite, if it has them.
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
  if (documents?.goals === undefined) return;
  const goalsPage = join(root, documents.goals);
  const text = readFileSync(goalsPage, 'utf8');
  const goals = new RegExp(`(?<=<!-- goals of ${suite} -->\\n).*?(?=<!-- end of goals -->)`, 's');
  if (!goals.test(text)) throw new Error(`${documents.goals} has no comments around the goals of ${suite}`);
  const source = `From [the run of ${date}](benchmarks/${name}) on ${report.machine}.`;
  writeFileSync(goalsPage, text.replace(goals, `\n${goalTable(report.goals)}\n\n${source}\n\n`));
}

/** Returns the model of the processor as a part of a file name, such as `amd-epyc`. */
function cpuName(): string {
  const model = cpus()[0]?.model ?? 'unknown';
  const words = model.toLowerCase().replaceAll(/\((r|tm)\)|@.*$|\b(processor|cpu)\b/g, ' ');
  return words.replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-|-$/g, '');
}
