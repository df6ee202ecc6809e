import { readFileSync } from 'node:fs';
import * as library from './index.js';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const examples = Array.from(readme.matchAll(/```ts\n(.*?)```/gs), ([, code = '']) => code);

describe('the README', () => {
  it.each(examples)('shows code that runs and answers as it says: %#', (example) => {
    const code = example
      .replace(/^import \{(.*)\} from '@kvs\/hash-ring';$/gm, 'const {$1} = library;')
      .replace(/^(.+); \/\/ → (.+)$/gm, 'claims.push([$1, $2]);');
    const claims: [unknown, unknown][] = [];
    new Function('library', 'claims', code)(library, claims);
    expect(claims.length).toBeGreaterThan(0);
    for (const [actual, claimed] of claims) expect(actual).toEqual(claimed);
  });
});
