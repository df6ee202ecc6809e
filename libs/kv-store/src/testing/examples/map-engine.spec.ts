import { readFileSync } from 'node:fs';
import { describeStorageEngine } from '../index.js';
import { mapEngine } from './map-engine.js';

describeStorageEngine('the engine of the docs', { create: mapEngine });

describe('README.md', () => {
  it('shows the engine as it is tested, with the imports of a package of its own', () => {
    const code = readFileSync(new URL('./map-engine.ts', import.meta.url), 'utf8');
    const page = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
    const [, shown] = /```ts\n(import \{ KvsError, type KeyId \}.*?)```/s.exec(page) ?? [];
    expect(shown).toBe(code.replaceAll("'../../index.js'", "'@kvs/kv-store'"));
  });
});
