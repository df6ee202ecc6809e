#!/usr/bin/env node
import { writeFileSync } from 'node:fs';
import { toMarkdown } from './harness/markdown.js';
import { readOptions } from './options.js';
import { suites } from './suites.js';

const { suite: name, quick, part, json, markdown } = readOptions(process.argv.slice(2));
const suite = suites.find((each) => each.name === name);
if (suite === undefined) throw new Error(`no suite is named ${name}`);

const report = await suite.run({
  quick,
  ...(part !== undefined && { part }),
  progress: (message) => process.stderr.write(`${message}\n`),
});
const text = toMarkdown(report);
process.stdout.write(`\n${text}`);
if (json !== undefined) writeFileSync(json, `${JSON.stringify(report, undefined, 2)}\n`);
if (markdown !== undefined) writeFileSync(markdown, text);
