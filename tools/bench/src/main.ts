#!/usr/bin/env node
import { toMarkdown } from './harness/markdown.js';
import { readOptions } from './options.js';
import { suites } from './suites.js';
import { writeDocuments } from './write-documents.js';

const { suite: name, write, case: cases, ...options } = readOptions(process.argv.slice(2));
const suite = suites.find((each) => each.name === name);
if (suite === undefined) throw new Error(`no suite is named ${name}`);

const found = await suite.run({
  ...options,
  cases,
  progress: (message) => process.stderr.write(`${message}\n`),
});
const report = options.quick ? { ...found, machine: `${found.machine}; a quick run, inexact` } : found;
process.stdout.write(`\n${toMarkdown(report)}`);
if (write) writeDocuments(suite, report);
