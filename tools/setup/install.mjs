#!/usr/bin/env node
// Installs the dependencies on first use and after the lock file changed. Plain JavaScript without dependencies, because it
// runs before they are installed.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(import.meta.dirname, '../..');

/** Ends the process if the installation fails. */
export function ensureInstalled() {
  if (isInstalled()) return;
  console.error('Installing the dependencies, once…');
  // Uses a shell, because npm is a script on Windows.
  const { status } = spawnSync('npm ci --loglevel=error --progress=true', {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: true,
  });
  if (status !== 0) process.exit(status ?? 1);
}

/** Returns whether npm's list of installed packages has all packages of the lock file. */
function isInstalled() {
  const installed = packagesIn('node_modules/.package-lock.json');
  const wanted = packagesIn('package-lock.json');
  return (
    installed !== undefined &&
    Object.entries(wanted ?? {}).every(
      ([path, { version, optional, link }]) =>
        !path.includes('node_modules/') || optional || link || installed[path]?.version === version,
    )
  );
}

function packagesIn(file) {
  try {
    return JSON.parse(readFileSync(join(root, file), 'utf8')).packages;
  } catch {
    return undefined; // missing or incomplete
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) ensureInstalled();
