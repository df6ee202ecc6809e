#!/usr/bin/env node
// Writes the tables of options in docs/configuration.md from the definitions that make `--help`. With --check it writes nothing
// and fails if the page is out of date. It uses the builds of the apps: run `npx tsc -b` before.
import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { COMMAND as PROXY } from '../../apps/proxy/dist/config.js';
import { COMMAND as NODE } from '../../apps/storage-node/dist/config.js';
import { describeOptions } from '../../libs/server/dist/index.js';

const root = join(import.meta.dirname, '../..');
const page = join(root, 'docs/configuration.md');
const check = process.argv.includes('--check');

/** A set of options, from `<!-- options: NAME -->` to `<!-- end of options -->`. */
const MARKED = /(?<=<!-- options: ([^\n]+?) -->\n).*?(?=<!-- end of options -->)/gs;

const ofProxy = describeOptions(PROXY.options);
const ofNode = describeOptions(NODE.options);
const isIn = (options) => (option) => options.some(({ name }) => name === option.name);
const SETS = {
  'of both': ofProxy.filter(isIn(ofNode)),
  'of the proxy': ofProxy.filter((option) => !isIn(ofNode)(option)),
  'of the storage node': ofNode.filter((option) => !isIn(ofProxy)(option)),
};

const text = readFileSync(page, 'utf8');
const filled = text.replaceAll(MARKED, (_, name) => `\n${tablesOf(SETS[name])}\n\n`);
const written = await format(filled, { ...(await resolveConfig(page)), filepath: page });
if (written !== text) {
  if (!check) writeFileSync(page, written);
  console.error(`${relative(root, page)} ${check ? 'is out of date: run npm run docs' : 'was updated'}`);
  if (check) process.exitCode = 1;
}

/** Returns a table for each group of a set of options. */
function tablesOf(set) {
  const groups = [...new Set(set.map(({ group }) => group))];
  return groups.map((group) => `### ${group}\n\n${tableOf(set, group)}`).join('\n\n');
}

function tableOf(options, group) {
  const rows = options.filter((option) => option.group === group).map(rowOf);
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
