#!/usr/bin/env node
// What `npx nx` runs here: installs the dependencies if need be, then hands over to the workspace's own Nx.
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
 * Nx ends with 130 although the server that was asked to stop has done so in good order. It need not have got a signal
 * itself: in a terminal it hands the key on to the server. What else is interrupted, a build say, has not been done.
 */
function endQuietlyOnCtrlC() {
  const INTERRUPTED = 130;
  if (!process.argv.slice(2, 4).some((word) => /^serve$|:serve$/.test(word))) return;
  process.once('exit', (code) => {
    if (code === INTERRUPTED) process.exitCode = 0;
  });
}
