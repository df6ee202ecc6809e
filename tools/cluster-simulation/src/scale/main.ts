#!/usr/bin/env node
import { readFileSync, writeFileSync } from 'node:fs';
import { figuresOf } from './figures.js';
import { LOAD, NODE_COUNTS, toTable, withTable } from './page.js';

/** Writes the table of docs/scale.md. */
const page = new URL('../../../../docs/scale.md', import.meta.url);
const table = toTable(NODE_COUNTS.map((nodeCount) => figuresOf(nodeCount, LOAD)));
process.stdout.write(`${table}\n`);
writeFileSync(page, withTable(readFileSync(page, 'utf8'), table));
