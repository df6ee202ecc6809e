#!/usr/bin/env node
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { operationLine } from '@kvs-tools/cluster-simulation';
import { hasEtcd } from '@kvs/topology-etcd/testing';
import { readOptions } from './options.js';
import { runChaos } from './run-chaos.js';

const { minutes, seed, copies, logs } = readOptions(process.argv.slice(2));
if (!hasEtcd()) {
  process.stderr.write('npm run chaos: etcd is not on the PATH (Debian: apt-get install etcd-server)\n');
  process.exit(2);
}
// The servers end with this process.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
if (logs !== undefined) mkdirSync(logs, { recursive: true });

print(`seed ${seed}, ${copies} copies, ${minutes} minutes`);
const report = await runChaos({
  seed,
  copies,
  faults: { forMs: minutes * 60_000 },
  log: print,
  onLine: (server, line) => {
    if (logs !== undefined) appendFileSync(join(logs, `${server}.log`), `${line}\n`);
  },
});
print(`faults: ${listed(report.faults)}`);
if (logs !== undefined) {
  const operations = [...report.history.values()].flat().sort((a, b) => a.invokedMs - b.invokedMs);
  writeFileSync(join(logs, 'history.log'), operations.map((one) => `${operationLine(one)}\n`).join(''));
}
print(`operations on ${report.history.size} keys: ${listed(report.results)}`);
for (const finding of report.findings) print(`FINDING ${finding}`);
print(`${report.findings.length} findings, ${report.undecided} keys undecided`);
process.exitCode = report.findings.length > 0 ? 1 : 0;

function listed(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
