#!/usr/bin/env node
// Runs for `npx nx`: installs the dependencies if they are missing, then starts the Nx of the workspace.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureInstalled } from './install.mjs';

ensureInstalled();
endQuietlyOnCtrlC();
const require = createRequire(import.meta.url);
const manifest = require.resolve('nx/package.json');
const nx = join(dirname(manifest), require(manifest).bin.nx);
process.argv[1] = nx;
await import(pathToFileURL(nx).href);

/**
 * Makes `nx serve` exit with 0 after Ctrl-C if the server stopped cleanly. Nx exits with 130 then, also if the terminal sent the
 * key only to the server. Other interrupted commands, such as builds, keep 130.
 */
function endQuietlyOnCtrlC() {
  const INTERRUPTED = 130;
  if (!process.argv.slice(2, 4).some((word) => /^serve$|:serve$/.test(word))) return;
  process.once('exit', (code) => {
    if (code === INTERRUPTED) process.exitCode = 0;
  });
}
