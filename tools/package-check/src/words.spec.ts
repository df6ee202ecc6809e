import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { workspaceRoot } from '@kvs-tools/local-cluster';

/** Words that have a standard term, which docs/glossary.md lists or a dictionary knows. */
const REPLACED: readonly (readonly [word: RegExp, term: string])[] = [
  [/\bunder way\b/i, 'in flight'],
  [/\b(goodbye|farewell)\b/i, 'go away'],
  [/\b(lend|lends|lent|loan|loans)\b/i, 'retain, release'],
  [/\b(two|both|which|any|either) doors?\b|\bdoors\b/i, 'listeners, or fast path and slow path'],
  [/\bfast lane\b/i, 'fast path'],
  [/\b(dealer|dealt|deals connections)\b/i, 'balancer, assign'],
  [/\b(make|makes|made|making) room\b/i, 'evict, reclaim'],
  [/\b(bury|buried)\b/i, 'retire'],
  [/\bby whom(ever)?\b|\bwhoever\b|\bwhomever\b/i, 'the caller, the client, …'],
  [/\bcompany of\b/i, 'batch'],
];

/** The word list itself, and tables of earlier runs. */
const EXCLUDED = /words\.spec\.ts$|^docs\/benchmarks\//;

function textFiles(): string[] {
  const folders = ['apps', 'libs', 'tools'].flatMap((group) =>
    readdirSync(join(workspaceRoot, group)).map((name) => join(group, name)),
  );
  const inFolders = [...folders.flatMap((folder) => [folder, join(folder, 'src')]), 'docs', 'tools/setup'];
  const found = inFolders.flatMap((folder) => {
    const recursive = folder.endsWith('src') || folder === 'docs';
    return list(folder, recursive).map((name) => join(folder, name));
  });
  return [...list('.', false), ...found].filter(
    (file) => /\.(ts|md|mjs)$/.test(file) && !EXCLUDED.test(file.replaceAll('\\', '/')),
  );
}

function list(folder: string, recursive: boolean): string[] {
  try {
    return readdirSync(join(workspaceRoot, folder), { recursive, encoding: 'utf8' });
  } catch {
    return []; // a package without sources
  }
}

it('names and texts use standard terms', () => {
  const files = textFiles();
  expect(files.length).toBeGreaterThan(300);
  const hits = files.flatMap((file) =>
    readFileSync(join(workspaceRoot, file), 'utf8')
      .split('\n')
      .flatMap((line, at) =>
        REPLACED.filter(([word]) => word.test(line)).map(
          ([, term]) => `${file}:${at + 1}: write ${term}: ${line.trim()}`,
        ),
      ),
  );
  expect(hits).toEqual([]);
});
