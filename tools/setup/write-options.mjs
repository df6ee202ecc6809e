#!/usr/bin/env node
// Writes the tables of options in docs from the definitions that make `--help`. With --check it writes nothing and fails if
// a page is out of date. It uses the builds of the apps: run `npx tsc -b` before.
import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { COMMAND as PROXY } from '../../apps/proxy/dist/config.js';
import { COMMAND as NODE } from '../../apps/storage-node/dist/config.js';
import { describeOptions } from '../../libs/server/dist/index.js';

const root = join(import.meta.dirname, '../..');
const pages = ['docs/configuration.md', 'docs/engines.md'].map((page) => join(root, page));
const check = process.argv.includes('--check');

/** A set or group of options, from `<!-- options: NAME -->` to `<!-- end of options -->`. */
const MARKED = /(?<=<!-- options: ([^\n]+?) -->\n).*?(?=<!-- end of options -->)/gs;

const ofProxy = describeOptions(PROXY.options);
const ofNode = describeOptions(NODE.options);
const isIn = (options) => (option) => options.some(({ name }) => name === option.name);
const SETS = {
  'of both': ofProxy.filter(isIn(ofNode)),
  'of the proxy': ofProxy.filter((option) => !isIn(ofNode)(option)),
  'of the storage node': ofNode.filter((option) => !isIn(ofProxy)(option)),
};

for (const page of pages) {
  const text = readFileSync(page, 'utf8');
  const filled = text.replaceAll(MARKED, (_, name) => `\n${tablesOf(name)}\n\n`);
  const written = await format(filled, { ...(await resolveConfig(page)), filepath: page });
  if (written === text) continue;
  if (!check) writeFileSync(page, written);
  console.error(`${relative(root, page)} ${check ? 'is out of date: run npm run docs' : 'was updated'}`);
  if (check) process.exitCode = 1;
}

/** Returns a table per group for a set of options, or the table of one group. */
function tablesOf(name) {
  const set = SETS[name];
  if (set !== undefined) {
    const groups = [...new Set(set.map(({ group }) => group))];
    return groups.map((group) => `### ${group}\n\n${tableOf(set, group)}`).join('\n\n');
  }
  return tableOf(ofNode, name);
}

function tableOf(options, group) {
  const rows = options.filter((option) => option.group === group).map(rowOf);
  if (rows.length === 0) throw new Error(`no option is in the group ${group}`);
  return ['| Option | Default | Variable | Meaning |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

function rowOf({ flag, value, variable, description, unit, choices, default: byDefault }) {
  const option = value === undefined ? flag : `${flag} <${value}>`;
  const inUnit = unit === undefined ? '' : `, in ${unit}`;
  const ofChoices = choices === undefined ? '' : ` (${choices.map(code).join(', ')})`;
  const meaning = `${description}${inUnit}${ofChoices}`.replaceAll('|', '\\|').replaceAll('*', '\\*');
  const shown =
    byDefault === undefined || byDefault === '' ? '' : code(byDefault) + inMebibytes(byDefault, unit);
  return `| ${code(option)} | ${shown} | ${code(variable)} | ${meaning} |`;
}

function inMebibytes(text, unit) {
  const mebibytes = Number(text) / 2 ** 20;
  return unit === 'bytes' && mebibytes >= 1 ? ` (${mebibytes} MiB)` : '';
}

function code(text) {
  return `\`${text}\``;
}
