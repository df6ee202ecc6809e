import { readFileSync } from 'node:fs';
import { figuresOf } from './figures.js';
import { LOAD, rowsIn, rowsOf } from './page.js';

it('docs/scale.md has the figures of ten nodes', () => {
  const page = readFileSync(new URL('../../../../docs/scale.md', import.meta.url), 'utf8');
  const tenNodes = rowsIn(page).map(([title, figure]) => [title, figure]);
  expect(tenNodes).toEqual(rowsOf([figuresOf(10, LOAD)]));
});
