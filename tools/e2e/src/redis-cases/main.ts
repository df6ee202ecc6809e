import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { readCases } from './case-file.js';
import { runCases } from './run-cases.js';

const { values, positionals } = parseArgs({
  options: { cluster: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const [file, address] = positionals;
if (file === undefined || address === undefined || positionals.length > 2) {
  process.stderr.write('usage: main.js FILE HOST:PORT [--cluster]\n');
  process.exit(1);
}
const results = await runCases(readCases(await readFile(file, 'utf8')), {
  address,
  isCluster: values.cluster,
});
for (const { name, result, reason } of results)
  process.stdout.write(`${result}: ${name}${reason === undefined ? '' : `: ${reason}`}\n`);
const count = (wanted: string) => results.filter(({ result }) => result === wanted).length;
process.stdout.write(
  `${count('passed')} passed, ${count('failed')} failed, ${count('left out')} left out because of commands that are not there\n`,
);
