import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { workspaceRoot } from '@kvs-tools/local-cluster';
import { measureScale } from './scale-suite.js';

it('docs/scale.md has the figures of ten nodes', () => {
  const page = readFileSync(join(workspaceRoot, 'docs/scale.md'), 'utf8').replaceAll(/ +/g, ' ');
  const [table] = measureScale([10], () => undefined).tables;
  expect(table?.rows.length).toBeGreaterThan(10);
  for (const [title, figure] of table?.rows ?? []) expect(page).toContain(`| ${title} | ${figure} |`);
});
