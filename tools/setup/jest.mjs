#!/usr/bin/env node
// Runs Jest for the projects of the workspace; with `--slow` it runs the tests that `npm test` leaves to CI. Nest is ESM-only,
// so Jest needs Node's VM modules.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
const jest = createRequire(import.meta.url).resolve('jest/bin/jest');
const args = process.argv.slice(2);
const isSlow = args[0] === '--slow';
const { status } = spawnSync(
  process.execPath,
  [
    '--experimental-vm-modules',
    '--no-warnings=ExperimentalWarning',
    jest,
    '--config',
    join(root, isSlow ? 'jest.slow.config.mjs' : 'jest.config.mjs'),
    ...(isSlow ? args.slice(1) : args),
  ],
  { cwd: root, stdio: 'inherit', env: { ...process.env, ...(isSlow && { KVS_SLOW_TESTS: '1' }) } },
);
process.exit(status ?? 1);
