import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { workspaceRoot } from './scripts.js';
import { NODE_FLAGS } from './server-process.js';

it.each(['proxy', 'storage-node'])('gives Node the options that `nx serve %s` gives it', (app) => {
  const manifest = readFileSync(join(workspaceRoot, 'apps', app, 'package.json'), 'utf8');
  const { nx } = JSON.parse(manifest) as { nx: { targets: { serve: { options: { command: string } } } } };
  expect(nx.targets.serve.options.command).toBe(`exec node ${NODE_FLAGS.join(' ')} dist/main.js`);
});
